"""A case from what is at hand of another trainer's run: its log, its curve, its configuration."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from engine.advisor.case import Case
from engine.advisor.read.figures import points_in
from engine.advisor.read.log import Log, lines_of, log_from, read_log
from engine.advisor.read.settings import settings_of
from engine.advisor.read.state_file import history, is_state
from engine.advisor.read.table import curve_in
from engine.problem import Problem
from engine.reading import content
from engine.recipe.foreign.source import document
from engine.watch.point import Point

_JSON_MOST: Final = 1 << 28


def case_of_files(*, log: Path | None = None, curve: Path | None = None, config: Path | None = None) -> Case:
    """What the files tell; a `trainer_state.json` is known as log and as curve.

    Raises:
        Problem: one of them cannot be read, or is not what it should be.
    """
    told = _log(log) if log is not None else Log(lines=[], numbers=[], points=[], total=0)
    return _case(told, curve, config)


def case_of_stream(log: io.BufferedReader, *, curve: Path | None = None, config: Path | None = None) -> Case:
    """What a log that comes through a pipe tells, and files beside it; raises as `case_of_files` does."""
    return _case(log_from(log, "stdin"), curve, config)


def _case(told: Log, curve: Path | None, config: Path | None) -> Case:
    said = settings_of(document(config)) if config is not None else {}
    return Case(
        lines=told.lines,
        numbers=told.numbers,
        config=said,
        points=_curve(curve) if curve is not None else told.points,
        vocabulary=_count(said, "vocab_size"),
        steps=_count(said, "max_steps"),
    )


def case_of_text(text: str, config: Mapping[str, Any] | None = None) -> Case:
    """What a log that is at hand as a text tells, and a configuration beside it."""
    said = settings_of(config or {})
    lines = lines_of(text)
    return Case(
        lines=lines,
        config=said,
        points=points_in(lines),
        vocabulary=_count(said, "vocab_size"),
        steps=_count(said, "max_steps"),
    )


def _log(path: Path) -> Log:
    state = _state(path)
    if state is None:
        return read_log(path)
    return Log(lines=[], numbers=[], points=list(history(state)), total=0)


def _curve(path: Path) -> list[Point]:
    state = _state(path)
    if state is not None:
        return list(history(state))
    if path.suffix in (".jsonl", ".log", ".txt"):
        points = read_log(path).points
        if not points:
            raise Problem(
                "There is no loss in it.", where=str(path), do="Give a CSV table or a trainer's log."
            )
        return points
    return curve_in(path)


def _state(path: Path) -> dict[str, Any] | None:
    """The content of a `trainer_state.json`, None for any other file."""
    if path.suffix != ".json":
        return None
    try:
        said = json.loads(content(path, _JSON_MOST))
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and is_state(said) else None


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 53 else 0
