"""The rows that a step was taught with: where they come from, and their text as the model saw it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from engine import events as ev
from engine.data.dataset import Dataset
from engine.data.prepare import prepare
from engine.data.rules import rules_of
from engine.data.shelf.shelf import Shelf
from engine.data.tokenizer import ModelTokenizer
from engine.eaten.order import drawn_rows
from engine.eaten.record import Place, Record, read
from engine.eaten.told import Eaten, Part, Row, Side
from engine.problem import WORK_FAILED, Problem
from engine.recipe import read as read_recipe
from engine.run_dir import RunDir
from engine.text import clean

_CHARACTERS: Final = 8_000
"""Of a row's text that are told."""


class Kitchen:
    """The rows of a run, opened once for any of its steps.

    Raises:
        Problem: the run has drawn no rows, or its data is not what it was.
    """

    def __init__(self, directory: RunDir) -> None:
        record = read(directory.path)
        if record is None:
            raise Problem(
                f"Run {directory.run} has drawn no rows that could be told.",
                why="Its training has not begun, or it is of an older version.",
                do="Look again once it has made a step.",
                exit_status=WORK_FAILED,
            )
        self._directory, self._record = directory, record
        self._tokenizer, self._data = _opened(directory, record)

    def eaten(self, step: int) -> Eaten:
        """What `step` was taught with; raises Problem where there is no such step."""
        record = read(self._directory.path) or self._record  # a resume may have gone on with another batch
        place = record.place(step) if 0 < step <= last_step(self._directory.events) + 1 else None
        if place is None:
            what = f"Run {self._directory.run} has no step {step:,}."
            raise Problem(what, do="Name one that it has taken.", exit_status=WORK_FAILED)
        told = told_of(self._directory.events, step)
        return Eaten(
            run=self._directory.run,
            step=step,
            epoch=place.epoch,
            loss=told.loss if told else None,
            grad_norm=told.grad_norm if told else None,
            lr=told.lr if told else None,
            rows=[self._row(row) for row in _rows(record, place)],
        )

    def _row(self, row: int) -> Row:
        ids, mask = self._data.row(row)
        first = self._data.span(row)[0]
        spans = self._data.sequences(row)
        sides: list[Side] = ["chosen", "rejected"] if len(spans) > 1 else [""]
        parts = [
            part
            for side, (begin, end) in zip(sides, spans, strict=True)
            for part in self._parts(ids[begin - first : end - first], mask[begin - first : end - first], side)
        ]
        return Row(self._data.source(row), len(ids), mask.count(1), parts)

    def _parts(self, ids: Sequence[int], mask: bytes, side: Side) -> Iterator[Part]:
        left, begin = _CHARACTERS, 0
        for at in range(1, len(ids) + 1):
            if at < len(ids) and mask[at] == mask[begin]:
                continue
            text = clean(self._tokenizer.decode(ids[begin:at]))[:left]
            left -= len(text)
            if text:
                yield Part(text, bool(mask[begin]), side)
            begin = at


def last_step(events: Path) -> int:
    """The step that the run reported last; 0 where there is none."""
    sought = b'{"event":"step",'
    try:
        with events.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            at = lines.rfind(sought)
            while at >= 0:
                stop = lines.find(b"\n", at)
                event = ev.decode(lines[at : stop if stop >= 0 else len(lines)])
                if isinstance(event, ev.Step):
                    return event.step
                at = lines.rfind(sought, 0, at)
    except (OSError, ValueError):
        return 0
    return 0


def told_of(events: Path, step: int) -> ev.Step | None:
    """What the run reported of `step`, sought from the end of its events; the last word counts."""
    sought = f'"step":{step},'.encode()
    try:
        with events.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            end = len(lines)
            while (at := lines.rfind(sought, 0, end)) >= 0:
                begin, stop = lines.rfind(b"\n", 0, at) + 1, lines.find(b"\n", at)
                event = ev.decode(lines[begin : stop if stop >= 0 else len(lines)])
                if isinstance(event, ev.Step) and event.step == step:
                    return event
                end = at
    except (OSError, ValueError):
        return None
    return None


def _rows(record: Record, place: Place) -> list[int]:
    return drawn_rows(record.rows, record.seed + place.epoch, place.begin, place.end)


def _opened(directory: RunDir, record: Record) -> tuple[ModelTokenizer, Dataset]:
    recipe = read_recipe(directory.recipe).resolved()
    recipe = msgspec.structs.replace(recipe, max_length=record.max_length)
    tokenizer = ModelTokenizer(Path(record.tokenizer), date.fromisoformat(record.day), rules_of(recipe))
    shelf = Shelf(Path(record.shelf), lambda _: None) if record.shelf else None
    data = prepare(recipe, tokenizer, shelf=shelf).train
    if data.digest() != record.data:
        raise Problem(
            "The data of the run is not what it was.",
            where=", ".join(map(str, recipe.data_entries)),
            why="Its files, or the tokenizer, have changed since.",
            do="Put them back to read what its steps were taught with.",
            exit_status=WORK_FAILED,
        )
    return tokenizer, data
