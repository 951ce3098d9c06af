"""`openlora runs show last`, the morning after: an account of a run that fits a telephone's terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.problem import Problem
from engine.repair.account import Account, account
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli.session import Session
from openlora_tui.figures import duration

NARROW: Final = 60
"""Columns under which the account alone is shown."""
_COLUMNS: Final = 40
_LINES: Final = 20
_CAUSE, _TRIED = 6, 7
_PLAIN: Final = str.maketrans({"→": ">", "–": "-", "…": "~", "’": "'", "×": "x", "·": "."})


def narrow() -> bool:
    """True where the terminal has no room for all that is known of a run."""
    return shutil.get_terminal_size().columns < NARROW


def account_of(
    session: Session | None, root: Path, state: RunState, fold: Callable[[str], RunState]
) -> Account:
    """The account of a run, by the engine where there is one, else by the runs' own files."""

    def state_of(run: str) -> RunState | None:
        try:
            return session.state(run) if session is not None else fold(run)
        except Problem:
            return None

    lessons = session.lessons() if session is not None else []
    return account(RunDir(root, state.run), state, lessons, state_of)


def facts(told: Account) -> list[tuple[str, str]]:
    """The same as rows beside all else that is known."""
    tried = [("tried" if number == 0 else "", one_line(line, 160)) for number, line in enumerate(told.tried)]
    best = "" if told.best.startswith("adapter") else told.best
    return [("cause", one_line(told.cause, 300)), *tried, ("best", best), ("next", told.next)]


def lines(state: RunState, told: Account) -> list[str]:
    """At most 20 lines of at most 40 plain characters: state, cause, what was tried, best, next command."""
    took = duration(max(state.updated - state.created, 0.0))
    found = [
        *_wrapped(f"run {state.run} {one_line(state.name, 24)}: {state.status}", 2),
        *_wrapped(f"step {state.step:,} of {state.steps:,}, {took}", 1),
        *(_wrapped(f"cause: {one_line(told.cause, 400)}", _CAUSE) if told.cause else []),
        *_tried(told.tried),
        *(_wrapped(f"best: {told.best}", 2) if told.best else []),
        *(["next:", *_wrapped(f"  {told.next}", 2)] if told.next else []),
    ]
    return found[:_LINES]


def _tried(told: list[str]) -> list[str]:
    """The newest attempts in full, as many as there is room for."""
    found: list[str] = []
    for line in reversed(told):
        more = _wrapped(f"- {one_line(line, 120)}", 3)
        if len(found) + len(more) > _TRIED - 1:
            break
        found = [*more, *found]
    return ["tried:", *found] if found else []


def _wrapped(text: str, most: int) -> list[str]:
    plain = text.translate(_PLAIN).encode("ascii", "replace").decode()
    return textwrap.wrap(
        plain, _COLUMNS, subsequent_indent="  ", max_lines=most, placeholder=" ...", break_on_hyphens=False
    )
