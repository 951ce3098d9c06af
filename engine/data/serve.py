"""The side job `inspect`: finds out about data step by step, and answers what a front end asks meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from engine.data.encode import draft, labelled
from engine.data.gather import gathered
from engine.data.held import held_of
from engine.data.inspect import Inspection
from engine.data.mapping.preview import preview, proposed
from engine.data.mend.errand import mended
from engine.data.named import tokenizer_of
from engine.data.read.rows import is_text
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.rules import rules_of
from engine.data.show import as_text, values_of
from engine.data.tokenizer import ModelTokenizer
from engine.inspection import talk
from engine.line import Line
from engine.sources.resolve import PLACED, resolve
from engine.sources.tell import tell

_REPORTS: Final = 0.5
"""Seconds between two reports while the work goes on."""
_IDLE: Final = 30.0
_SOUGHT: Final = 1024
"""Rows searched in one go."""


def serve(spec: bytes, line: Line) -> None:
    """Inspect what `spec` names, until the front end leaves.

    Raises:
        Problem: nothing can be inspected at all.
    """
    wanted = talk.spec(spec)
    sources = resolve(wanted.files, folder=PLACED)
    tokenizer, without = _tokenizer(wanted)
    inspection = Inspection(
        [source.path for source in sources.files],
        tokenizer,
        model=wanted.model,
        max_length=wanted.max_length,
        data_format=wanted.data_format,
        held=held_of(wanted.eval_files, wanted.data_format, wanted.mapping, pairs=wanted.pairs),
        mapping=wanted.mapping,
        pairs=wanted.pairs,
    )
    inspection.report().without = without
    tell(inspection.report(), sources)
    inspection.report().bad_rows = wanted.bad_rows
    _Desk(inspection, line).work()


def _tokenizer(wanted: talk.Spec) -> tuple[ModelTokenizer | None, str]:
    """The tokenizer, or why there is none; that is no reason not to look at the rows."""
    if not wanted.model:
        return None, "Tokens are counted once a model is named."
    try:
        return tokenizer_of(wanted.model, rules_of(wanted)), ""
    except Refusal as refusal:
        return None, str(refusal)


class _Desk:
    """Answers first, and goes on with the work in between."""

    def __init__(self, inspection: Inspection, line: Line) -> None:
        self._inspection = inspection
        self._line = line
        self._steps: Iterator[float] | None = inspection.steps()
        self._errands: dict[str, Iterator[None]] = {}
        """What takes longer than an answer, by its kind: a new one takes the place of the old."""
        self._told = 0.0
        self._view: talk.Gathered | None = None
        """What a table looks at that does not show all rows in their order."""

    def work(self) -> None:
        """Until the line is gone."""
        while True:
            busy = self._steps is not None or bool(self._errands)
            body = self._line.hear(0.0 if busy else _IDLE)
            if body is not None:
                self._answer(talk.request(body))
            elif self._errands:
                self._go_on(*next(iter(self._errands.items())))
            elif self._steps is not None:
                self._step(self._steps)

    def _go_on(self, kind: str, errand: Iterator[None]) -> None:
        try:
            if next(errand, self) is self:
                del self._errands[kind]
        except Refusal as refusal:
            self._lose(refusal)

    def _step(self, steps: Iterator[float]) -> None:
        share = next(steps, None)
        if share is None:
            self._steps = None
        elif time.monotonic() - self._told < _REPORTS:
            return
        self._told = time.monotonic()
        self._say(talk.Told(report=self._inspection.report(), share=1.0 if share is None else share))

    def _say(self, answer: talk.Answer) -> None:
        self._line.say(talk.encode(answer))

    def _answer(self, request: talk.Request) -> None:
        try:
            match request:
                case talk.Window():
                    self._window(request)
                case talk.Show():
                    self._show(request)
                case talk.Seek():
                    self._errands["seek"] = self._seek(request)
                case talk.Gather():
                    self._errands["gather"] = self._gather(request)
                case talk.Propose(file=file):
                    self._say(talk.Previewed(preview=proposed(self._inspection.head(file))))
                case talk.Try(mapping=mapping, file=file):
                    self._say(talk.Previewed(preview=preview(mapping, self._inspection.head(file))))
                case talk.Mend():
                    self._errands["mend"] = self._mend(request)
        except Refusal as refusal:
            self._lose(refusal)

    def _lose(self, refusal: Refusal) -> None:
        """The file is no longer what was read: what is known stays, and that is all there will be."""
        self._inspection.report().problem = refusal.as_dict()
        self._steps = None
        self._errands.clear()
        self._say(talk.Told(report=self._inspection.report(), share=1.0))

    def _window(self, request: talk.Window) -> None:
        first, view = request.first, request.view
        numbers = self._places(view)[first : first + request.count]
        rows = list(self._inspection.table.numbered(numbers))
        columns = list(self._inspection.report().columns)
        cells = []
        for _, _, row in rows:
            values = dict(values_of(row))
            cells.append([_cell(values.get(name)) for name in columns])
        self._say(talk.Cells(first=first, columns=columns, rows=cells, view=view))
        if self._inspection.tokenizer is not None:
            tokens = [self._tokens(*found) for found in rows]
            self._say(talk.Counted(first=first, tokens=tokens, view=view))

    def _tokens(self, at: int, number: int, row: Row) -> int | None:
        tokenizer = self._inspection.tokenizer
        known = self._inspection.numbers.tokens(at)
        if tokenizer is None or known:
            return known or None
        if is_text(self._inspection.indices[number].path):
            return len(tokenizer.encode(row.values["text"]))
        try:
            example = self._inspection.example(number, row)
            if example is None:
                return None
            [whole] = labelled([draft(row, example, tokenizer)], tokenizer)
        except Refusal:
            return None
        return len(whole.ids)

    def _show(self, request: talk.Show) -> None:
        if 0 <= request.row < self._inspection.report().rows:
            self._say(self._inspection.show(request.row, request.max_length))

    def _mend(self, request: talk.Mend) -> Iterator[None]:
        for answer in mended(self._inspection, request, self._inspection.held):
            if answer is not None:
                self._say(answer)
            yield

    def _gather(self, request: talk.Gather) -> Iterator[None]:
        for answer in gathered(self._inspection, request):
            if answer is not None:
                self._view = answer if answer.view else self._view
                self._say(answer)
            yield

    def _places(self, view: int) -> Sequence[int]:
        """The rows of a view in its order; none of a view that there is no more."""
        if not view:
            return range(self._inspection.report().rows)
        return self._view.rows if self._view is not None and self._view.view == view else ()

    def _seek(self, request: talk.Seek) -> Iterator[None]:
        wanted, at = request.text.lower(), request.start
        for at, row in self._walk(request):
            if any(wanted in as_text(value).lower() for value in row.values.values()):
                self._say(talk.Sought(text=request.text, row=at, at=at, ended=True))
                return
            if at % _SOUGHT == 0:
                self._say(talk.Sought(text=request.text, row=None, at=at, ended=False))
                yield
        self._say(talk.Sought(text=request.text, row=None, at=at, ended=True))

    def _walk(self, request: talk.Seek) -> Iterator[tuple[int, Row]]:
        """Rows of a view from a place on, with their places."""
        if not request.view:
            yield from self._inspection.table.walk(request.start, request.way)
            return
        rows = self._places(request.view)
        for at in range(request.start, len(rows) if request.way > 0 else -1, request.way):
            for _, _, row in self._inspection.table.numbered(rows[at : at + 1]):
                yield at, row


def _cell(text: str | None) -> str | None:
    return text[: talk.WIDEST] if text is not None else None
