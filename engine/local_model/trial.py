"""Tries a model before it is chosen: it is loaded in a process of its own and answers a few words."""

from __future__ import annotations

import subprocess
import time
from typing import Final

import msgspec

from engine.llama import words
from engine.llama.gguf import Gguf
from engine.llama.process import Died, Process
from engine.problem import WORK_FAILED, Problem

_PATIENCE: Final = 300.0
_TOKENS: Final = 16
_CONTEXT: Final = 256
_ASKED: Final = "Say in one sentence what a learning rate is."


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    seconds: float
    """That loading took."""
    tokens_per_second: float
    template: bool
    gpu: bool
    """True where llama.cpp was built for a GPU."""


def tried(model: Gguf, threads: int) -> Tried:
    """Load the model and let it answer.

    Raises:
        Problem: it cannot be loaded, or crashes.
    """
    context = min(model.context or _CONTEXT, _CONTEXT)
    load = words.Load(path=str(model.path), context=context, threads=threads)
    process = Process(load, errors=subprocess.DEVNULL)
    try:
        loaded = _next(process)
        if not isinstance(loaded, words.Loaded):
            raise _unusable(model, loaded.why if isinstance(loaded, words.Unloadable) else "it said nothing")
        process.tell(
            words.Ask(
                number=1, turns=[words.Turn("user", _ASKED)], max_tokens=_TOKENS, grammar="root ::= [^\\x00]+"
            )
        )
        said = _next(process)
        while isinstance(said, words.Reading | words.Piece):
            said = _next(process)
        if not isinstance(said, words.Done):
            raise _unusable(model, said.why if isinstance(said, words.Refused) else "it gave no answer")
    except Died as death:
        raise _unusable(model, f"its process {death}") from death
    finally:
        process.close()
    rate = said.tokens / said.seconds if said.seconds > 0 else 0.0
    return Tried(seconds=loaded.seconds, tokens_per_second=rate, template=loaded.template, gpu=loaded.gpu)


def _next(process: Process) -> words.ToParent:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        said = process.hear(1.0)
        if said is not None:
            return said
    raise Died(f"said nothing for {_PATIENCE:.0f} seconds")


def _unusable(model: Gguf, why: str) -> Problem:
    return Problem(
        "llama.cpp cannot use this model.",
        where=str(model.path),
        why=f"{why.rstrip('.')}.",
        do="Get another one: `openlora advisor pull`. The choice is as it was.",
        exit_status=WORK_FAILED,
    )
