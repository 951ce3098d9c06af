"""Writes a conversation as training writes it, and makes it fit the model's context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.chat.spoken import Turn
from engine.data.prompt import prompt_ids
from engine.data.shapes import Chat
from engine.data.tokenizer import ModelTokenizer
from engine.events import Form
from engine.problem import Problem

_ROOM: Final = 4
"""A quarter of the context is kept for the answer while there are old turns to leave out."""
_SENTINEL: Final = "openlora sentinel"


def written(tokenizer: ModelTokenizer, turns: Sequence[Turn], form: Form) -> list[int]:
    """The ids of a prompt; in `verbatim` form the last turn alone, as it stands."""
    if form == "verbatim":
        return tokenizer.started(tokenizer.encode(turns[-1].content)) or [tokenizer.pad]
    chat = Chat([{"role": turn.role, "content": turn.content} for turn in turns])
    return prompt_ids(chat, tokenizer)


def fitted(
    tokenizer: ModelTokenizer, turns: Sequence[Turn], form: Form, context: int | None, new_tokens: int
) -> tuple[list[int], int]:
    """The ids of a prompt that leaves room for an answer, and how many of the oldest turns it leaves out.

    A system turn stays, and so does the last question.

    Raises:
        Problem: the last question alone does not fit.
    """
    head = [turn for turn in turns[:1] if turn.role == "system"]
    rest = list(turns[len(head) :])
    ids = written(tokenizer, [*head, *rest], form)
    if context is None:
        return ids, 0
    room = min(new_tokens, context // _ROOM)
    dropped = 0
    while len(ids) + room > context and len(rest) > 2 and form == "chat":
        rest, dropped = rest[2:], dropped + 2
        ids = written(tokenizer, [*head, *rest], form)
    if len(ids) >= context:
        raise Problem(
            f"The prompt has {len(ids):,} tokens, and the model's context ends at {context:,}.",
            why="Nothing would be left of it for an answer.",
            do="Ask in fewer words.",
        )
    return ids, dropped


def suggestions(tokenizer: ModelTokenizer, prompts: Sequence[str], form: Form) -> list[str]:
    """What a person would type for rendered `prompts`; those that cannot be undone are left out."""
    if form == "verbatim":
        return list(dict.fromkeys(prompts))
    template = tokenizer.template
    rendered = template.render(Chat([{"role": "user", "content": _SENTINEL}]), prompt=True)
    head, _, tail = rendered.partition(_SENTINEL)
    lead = tokenizer.decode(tokenizer.prefix) if tokenizer.prefix else ""
    found = []
    for prompt in prompts:
        for start in (head, head.removeprefix(lead)):
            if prompt.startswith(start) and prompt.endswith(tail) and len(prompt) > len(start) + len(tail):
                found.append(prompt[len(start) : len(prompt) - len(tail)])
                break
    return list(dict.fromkeys(found))
