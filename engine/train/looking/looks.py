"""Looks at how the model does between two steps: the loss on held-out rows, and sample texts."""

from __future__ import annotations

import time
from functools import partial

import torch

from engine import events as ev
from engine.data.prompt import prompt_ids
from engine.data.shapes import Chat
from engine.data.tokenizer import ModelTokenizer
from engine.train.batches.collate import Collator
from engine.train.batches.cut import share
from engine.train.guard.ledger import finite
from engine.train.looking.evaluate import held_out_sums
from engine.train.looking.sample import continued, spoken
from engine.train.memory.beside import left_out, relieve_evaluation
from engine.train.memory.exhausted import Shortage, attempted
from engine.train.session import Session

_PROMPTS = 2
_TEXT_PROMPT = 16


def measure(session: Session) -> bool:
    """Report the loss on the held-out rows, unless none are held out or it was measured at this step.

    Returns:
        True where it is the lowest so far.
    """
    data, machine = session.data.eval, session.machine
    if data is None or session.held_out is None or session.measured == session.step:
        return False
    if session.tests_rates:
        return False  # its losses under ever larger rates are all that counts
    session.ledger.settle()
    began = time.monotonic()
    objective = session.objective
    divisor = max(objective.divisor(data, range(len(data))), 1)
    rows = share(range(len(data)), data.length, machine.rank, machine.world)
    with session.apart("evaluating"):
        sums = held_out(session, rows, session.held_out)
    if sums is None:
        return False
    loss, *told = (machine.total(sums) / divisor).tolist()
    session.ledger.measured(session.step, loss)
    best = session.best is None or loss < session.best
    session.patience.see(loss, session.best)
    session.best = loss if best else session.best
    session.measured, session.eval_loss = session.step, loss
    session.journal(
        ev.Evaluated(
            step=session.step,
            loss=loss,
            label_tokens=data.label_tokens,
            seconds=time.monotonic() - began,
            best=best,
            figures=finite(objective.figures, told),
        )
    )
    return best


def held_out(session: Session, rows: list[int], collator: Collator) -> torch.Tensor | None:
    """Sums over this rank's `rows` in micro-batches that memory allows; None where it is not to be."""
    machine = session.machine
    work = partial(held_out_sums, session.objective, session.student, collator=collator, machine=machine)
    while True:
        pieces = collator.cut(rows, session.eval_budget)
        sums = attempted(partial(work, pieces=pieces, go_on=lambda: _go_on(session)))
        short = sums if isinstance(sums, Shortage) else None
        if machine.sharded and short:  # the others wait in the middle of a pass
            raise torch.OutOfMemoryError(short.said)
        work(pieces=[[0]] * machine.together(len(pieces)), go_on=lambda: True)
        fits = relieve_evaluation(session, [(len(p), collator.tokens(p)) for p in pieces], short)
        if fits is not None:
            return sums if fits and isinstance(sums, torch.Tensor) else None


def show(session: Session) -> None:
    """Report what the model answers to the sample prompts, unless it did at this step."""
    if session.recipe.sample_steps <= 0 or session.shown == session.step or session.machine.rank != 0:
        return
    if session.machine.sharded:
        return  # how many passes a text takes, only the rank that writes it knows
    session.ledger.settle()
    with session.apart("sampling"):
        for prompt in sample_prompts(session):
            if not _go_on(session):
                return
            began = time.monotonic()
            taken = attempted(
                partial(
                    continued,
                    session.student,
                    prompt,
                    session.machine,
                    new_tokens=session.recipe.sample_max_new_tokens,
                    stops=session.tokenizer.stops,
                    context=session.context,
                )
            )
            if isinstance(taken, Shortage):
                left_out(session, "The samples", "sampling", taken)
                break
            before, text = spoken(session.tokenizer, prompt, taken)
            seconds = time.monotonic() - began
            session.journal(ev.Sampled(step=session.step, prompt=before, text=text, seconds=seconds))
    session.shown = session.step


def sample_prompts(session: Session) -> list[list[int]]:
    """Token ids of the recipe's prompts, or of the beginnings of two held-out rows."""
    tokenizer = session.tokenizer
    if session.recipe.sample_prompts:
        return [_asked(session, prompt) for prompt in session.recipe.sample_prompts]
    data = session.data.eval or session.data.train
    room = (session.context or session.recipe.max_length) // 2
    chosen = range(0, len(data), max(len(data) // _PROMPTS, 1))[:_PROMPTS]
    prompts = [list(data.prompt(row, _TEXT_PROMPT))[-room:] for row in chosen]
    if session.data.shapes[0] == "text":
        prompts = [_to_word_end(tokenizer, prompt) for prompt in prompts]
    return [prompt or tokenizer.started([]) or [tokenizer.pad] for prompt in prompts]


def _to_word_end(tokenizer: ModelTokenizer, ids: list[int]) -> list[int]:
    """`ids` without a word that they begin and do not end, so that a sample reads as one text."""
    for end in range(len(ids) - 1, len(ids) // 2, -1):
        head = tokenizer.decode(ids[:end])
        if tokenizer.decode(ids)[len(head) :][:1].isspace():
            return ids[:end]
    return ids


def _asked(session: Session, prompt: str) -> list[int]:
    """A prompt in the form in which the rows of the run have theirs."""
    tokenizer = session.tokenizer
    if session.data.form == "verbatim":
        return tokenizer.started(tokenizer.encode(prompt)) or [tokenizer.pad]
    chat = Chat([{"role": "user", "content": prompt}])
    return prompt_ids(chat, tokenizer)


def _go_on(session: Session) -> bool:
    """False once someone wants to leave; ranks have to stay together, so several always go on."""
    if session.machine.world > 1:
        return True
    session.listener.listen()
    return session.listener.leaving is None
