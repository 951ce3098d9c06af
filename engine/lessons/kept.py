"""Lessons whose runs are not here: of deleted runs in `deleted.jsonl`, of other homes in `imported.jsonl`."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from engine import atomic
from engine.lessons.lesson import DataPrint, Lesson, ModelPrint
from engine.reading import UNDECODABLE
from engine.run_dir import deleted_log

_OLD: Final = frozenset({"run", "parent", "name", "status", "steps", "loss", "eval_loss", "reason"})


def imported_log(root: Path) -> Path:
    """Where the lessons of other homes are kept, one JSON object a line."""
    return root / "imported.jsonl"


def deleted(root: Path, since: int = 0) -> tuple[list[Lesson], int]:
    """What deleted runs taught, from that byte of the file on, and how long the file is now."""
    lines = _lines(deleted_log(root), since)
    lessons = [lesson for line in lines if (lesson := from_line(line)) is not None]
    end = since + sum(len(line) + 1 for line in lines)
    return [msgspec.structs.replace(lesson, deleted=True) for lesson in lessons], end


def imported(root: Path) -> list[Lesson]:
    """What runs of other homes taught; of a run that is there twice, what was taken in last."""
    lessons = (from_line(line) for line in _lines(imported_log(root)))
    found = {lesson.run: lesson for lesson in lessons if lesson is not None and lesson.imported}
    return list(found.values())


def from_line(line: bytes) -> Lesson | None:
    """The lesson on a line, those of older versions included; None where there is none, or none any more."""
    try:
        told = msgspec.json.decode(line)
        if not isinstance(told, dict):
            return None
        lesson = msgspec.convert(_newer(told), Lesson)
    except UNDECODABLE:
        return None
    return None if lesson.forgotten else lesson


def take_in(root: Path, lessons: Iterable[Lesson]) -> None:
    """Keep what runs of other homes taught, each in the place of one of its name; raises OSError."""
    path = imported_log(root)
    # A line that a power cut has torn would else swallow the first of these.
    begin = b"\n" if _torn(path) else b""
    atomic.append(path, begin + b"".join(msgspec.json.encode(lesson) + b"\n" for lesson in lessons))


def forget(root: Path, runs: Container[str]) -> None:
    """Drop what these runs taught; of a deleted one the number stays, so that none has it again.

    Raises:
        OSError: that cannot be written down.
    """
    for path in (deleted_log(root), imported_log(root)):
        lines = _lines(path)
        left = [line if (name := _run_of(line)) not in runs else _stub(name) for line in lines]
        if left != lines:
            _write(path, left)


def stub(lesson: Lesson) -> Lesson:
    """What stays of a lesson that is not to count: that the number was given."""
    return Lesson(run=lesson.run, model=ModelPrint(name=""), forgotten=True)


def _stub(run: str) -> bytes:
    return msgspec.json.encode(stub(Lesson(run=run, model=ModelPrint(name=""))))


def _run_of(line: bytes) -> str:
    try:
        told = msgspec.json.decode(line)
    except UNDECODABLE:
        return ""
    return str(told.get("run", "")) if isinstance(told, dict) else ""


def _write(path: Path, lines: Iterable[bytes]) -> None:
    atomic.write(path, b"".join(line + b"\n" for line in lines))


def _torn(path: Path) -> bool:
    """True where the last line of the file has no end."""
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"
    except OSError:
        return False  # it is not there, or empty


def _lines(path: Path, since: int = 0) -> list[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(since)
            return file.read().split(b"\n")[:-1]
    except OSError:
        return []


def _newer(told: dict[str, Any]) -> dict[str, Any]:
    """The names of the present for what older versions wrote, which knew a model and data by name alone."""
    if isinstance(told.get("model"), dict):
        return told
    older = {name: value for name, value in told.items() if name in _OLD}
    model = ModelPrint(name=str(told.get("model", "")))
    data = DataPrint(files=[str(file) for file in told.get("data") or []])
    return older | {"model": msgspec.to_builtins(model), "data": msgspec.to_builtins(data)}
