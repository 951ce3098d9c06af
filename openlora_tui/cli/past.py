"""Runs that a command names, those that are deleted or of another home included: what they taught."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.lessons.learn import lesson_of
from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.run_dir import RunDir, is_run
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli.session import Session


class Past(msgspec.Struct, frozen=True):
    """A run, and its whole state where its files are still here."""

    lesson: Lesson
    state: RunState | None = None


def named(session: Session, words: Sequence[str]) -> list[Past]:
    """The runs that the words mean, each once: a number, a name, `last`, or `laptop:12`.

    Raises:
        Problem: a word names none.
    """
    root = Path(session.welcome.home)
    found: dict[str, Past] = {}
    gone: list[Lesson] | None = None
    for word in words:
        run = _here(session, root, word)
        if run is not None:
            state = session.state(run)
            found[run] = Past(lesson_of(state, RunDir(root, run)), state)
            continue
        gone = session.lessons() if gone is None else gone
        lesson = next((one for one in gone if word in (one.run, one.name)), None)
        if lesson is None:
            raise Problem(
                f"There is no run called {one_line(word, 200)!r}.",
                do="`openlora runs search` finds runs, deleted ones too.",
            )
        found[lesson.run] = Past(lesson)
    return list(found.values())


def _here(session: Session, root: Path, word: str) -> str | None:
    """The run of that name, where its files are here."""
    if is_run(word):
        return word if RunDir(root, word).path.is_dir() else None
    try:
        return session.named(word)
    except Problem:
        return None
