"""The side job `preflight`: checks the recipe under edit, at each change anew, and goes when none comes."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import Final

from engine.line import Line
from engine.preflight import talk
from engine.preflight.check import Preflight
from engine.preflight.data import DataLooks
from engine.preflight.verdict import Verdict
from engine.problem import Problem
from engine.recipe.yaml import parse

_SECONDS: Final = 10.0
"""For which rows are looked at; a newer look is not made to wait for that."""
_EVERY: Final = 1.0
"""Seconds between two words on rows that are still looked at."""
_IDLE: Final = 30.0


def serve(spec: bytes, line: Line) -> None:
    """Answer the look in `spec` and those that follow, until none has come for a while."""
    looks = DataLooks()
    wanted: bytes | None = spec
    while wanted is not None:
        newer = _answer(talk.look(wanted), line, looks)
        wanted = newer if newer is not None else line.hear(_IDLE)


def _answer(wanted: talk.Look, line: Line, looks: DataLooks) -> bytes | None:
    """Check, and give the next look where one comes before that is done."""
    try:
        preflight = Preflight(parse(wanted.text, Path(wanted.path)), looks=looks)
        told = -_EVERY
        for _ in chain([0.0], preflight.steps(_SECONDS)):
            if (now := time.monotonic()) - told >= _EVERY:
                told = now
                line.say(
                    talk.encode(talk.Told(number=wanted.number, verdict=preflight.verdict(), done=False))
                )
            newer = line.hear()
            if newer is not None:
                return newer
        verdict = preflight.verdict()
    except Problem:  # wrong input: the form says so at its field
        verdict = Verdict(findings=[])
    line.say(talk.encode(talk.Told(number=wanted.number, verdict=verdict, done=True)))
    return None
