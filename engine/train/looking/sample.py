"""Lets the model answer a prompt while it is being trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engine import faults
from engine.data.tokenizer import ModelTokenizer
from engine.train.looking.evaluate import at_rest
from engine.train.machine import Machine
from engine.train.model.student import Student


def continued(
    student: Student,
    prompt: Sequence[int],
    machine: Machine,
    *,
    new_tokens: int,
    stops: frozenset[int],
    context: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[int]:
    """The ids that the model puts after `prompt`, up to `new_tokens`, a stop, or the end of its context.

    Greedy at temperature 0; else drawn from softmax(logits / temperature) with a generator of its own.
    """
    faults.beside()
    room = new_tokens if context is None else min(new_tokens, context - len(prompt))
    generator = torch.Generator(device=machine.device).manual_seed(seed)
    taken: list[int] = []
    ids = torch.tensor([list(prompt)], device=machine.device)
    cache: Any = None
    with at_rest(student.peft), machine.autocast():
        while len(taken) < room:
            # Only the last position's logits are needed, so the hook keeps that one.
            student.labelled.keep = torch.tensor([ids.shape[1] - 1], device=machine.device)
            try:
                # What was learnt to stand before the row is in the cache, and would be put there again.
                again = cache is not None and student.laid.tokens_before > 0
                model = student.peft.get_base_model() if again else student.peft
                out = model(input_ids=ids, past_key_values=cache, use_cache=True)
            finally:
                student.labelled.keep = None
            logits, cache = out.logits[0, -1].float(), out.past_key_values
            if temperature > 0:
                chances = torch.softmax(logits / temperature, dim=-1)
                token = int(torch.multinomial(chances, 1, generator=generator))
            else:
                token = int(logits.argmax())
            if token in stops:
                break
            taken.append(token)
            ids = torch.tensor([[token]], device=machine.device)
    return taken


def spoken(tokenizer: ModelTokenizer, prompt: Sequence[int], taken: Sequence[int]) -> tuple[str, str]:
    """Prompt and continuation as text; decoding them together keeps the space between them."""
    lead = len(tokenizer.prefix) if list(prompt[: len(tokenizer.prefix)]) == tokenizer.prefix else 0
    before = tokenizer.decode(prompt[lead:])
    return before, tokenizer.decode([*prompt[lead:], *taken])[len(before) :]
