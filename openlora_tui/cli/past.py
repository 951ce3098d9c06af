"""What past runs taught, those that are deleted or of another home included, for commands that ask."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from engine import paths
from engine.alone import holder
from engine.client import silence
from engine.lessons.dismissals import standing_in
from engine.lessons.kept import imported_log
from engine.lessons.learn import lesson_of
from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.run_dir import RunDir, all_runs, deleted_log, is_run
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli.session import Session

if TYPE_CHECKING:
    from engine.preflight.past import Past as Memory

RECENT: Final = 1000
"""Runs that speak of the next one; what is older says little."""


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


def known(recent: int = RECENT) -> Memory:
    """What this home knows before a run; nothing where it has no run, or its engine does not answer."""
    # Imported on use: `--help` needs none of it.
    from engine.preflight.past import past_of

    root = paths.home()
    pid = holder(root)
    if (pid is not None and silence.stopped(pid)) or not _begun(root):
        return past_of([], standing_in(root))
    with suppress(Problem), Session(root) as session:
        return past_of(session.lessons(recent), standing_in(root))
    return past_of([], standing_in(root))


def _begun(root: Path) -> bool:
    """True where the home has ever known a run: no engine is begun for nothing."""
    return bool(all_runs(root)) or deleted_log(root).exists() or imported_log(root).exists()


def _here(session: Session, root: Path, word: str) -> str | None:
    """The run of that name, where its files are here."""
    if is_run(word):
        return word if RunDir(root, word).path.is_dir() else None
    try:
        return session.named(word)
    except Problem:
        return None
