"""Rows of JSON Lines and of JSON documents, however the rows lie in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.data.read.json_layout import (
    Alone,
    Articles,
    Columns,
    Elements,
    Lines,
    Values,
    layout_of,
    lists_behind,
    several,
)
from engine.data.read.json_values import BROKEN, TooDeep, Twice, decoded
from engine.data.read.json_window import Window, broken, refused, said
from engine.data.read.lines import lines, prove_decoded
from engine.data.read.source import Source
from engine.data.read.squad import questions
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Row, Start, row_of


def read_json(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The rows of a .json or .jsonl file, from `start` on."""
    match layout_of(source):
        case Lines():
            yield from _lines(source, start, bad)
        case Values(begin) | Alone(begin):
            yield from _Stream(source, bad, begin if start == TOP else start).rows(listed=False)
        case Elements(begin, inside):
            yield from _Stream(source, bad, begin if start == TOP else start, inside).rows(listed=True)
        case Articles(begin):
            rows = _articles(source, begin, bad)
            yield from (row for row in rows if row.offset >= start.offset)
        case Columns(starts):
            yield from (row for row in _columns(source, starts) if row.offset >= start.offset)


def is_direct(source: Source) -> bool:
    """True where reading can begin at any row."""
    return isinstance(layout_of(source), (Lines, Values, Elements, Alone))


def _lines(source: Source, start: Start, bad: Bad | None) -> Iterator[Row]:
    """One JSON object a line; empty lines are passed over."""
    for here, line in lines(source, start, bad):
        begin = len(line) - len(line.lstrip())
        if begin == len(line):
            continue
        if begin:
            here = Start(here.offset + source.bytes_of(line[:begin]), here.line)
        try:
            row = row_of(source.path, here, _parsed(source, here.line, line))
        except Refusal as refusal:
            or_raise(bad, refusal, line)
        else:
            yield row


def _parsed(source: Source, number: int, line: str) -> object:
    try:
        return decoded(line.strip())
    except json.JSONDecodeError as error:
        raise broken(source, number, said(error), error.colno) from None
    except BROKEN as error:
        raise refused(source, error, number) from None


class _Stream:
    """Values one after the other, of a list or by themselves."""

    def __init__(self, source: Source, bad: Bad | None, start: Start, inside: bool = False) -> None:
        self._source, self._bad, self._inside = source, bad, inside
        self._window = Window(source, start)
        self._cut_off = False

    def rows(self, *, listed: bool) -> Iterator[Row]:
        """Each value as a row."""
        for here, value in self.values(listed=listed):
            try:
                row = row_of(self._source.path, here, value)
            except Refusal as refusal:
                or_raise(self._bad, refusal, self._window.last)
            else:
                yield row

    def values(self, *, listed: bool) -> Iterator[tuple[Start, Any]]:
        """Each with where it begins."""
        window, parted = self._window, True
        while char := window.skip():
            if listed and char == "]":
                window.at += 1
                if not self._another():
                    return
                parted = True
            elif listed and not parted:
                if char == ",":
                    window.at += 1
                else:
                    self._complain("a comma or the closing ] is missing after a row")
                parted = True
            else:
                here = window.here()
                try:
                    value = self._value(here.line)
                except Refusal as refusal:
                    # Where the value was read all the same, the next one is found as ever.
                    parted = window.begin == window.at
                    if parted:
                        self._skip_to_next(refusal)
                    else:
                        or_raise(self._bad, refusal, window.last)
                else:
                    yield here, value
                    parted = False
        if listed and not self._cut_off:
            self._complain("the closing ] of the list is missing")

    def _value(self, line: int) -> Any:
        """The value at the place.

        Raises:
            Refusal: it is none, or no row; the place is behind it where its end can be told.
        """
        window, source = self._window, self._source
        try:
            value = window.proved()
        except (Twice, TooDeep) as error:
            raise refused(source, error, line) from None
        except BROKEN as error:
            raise window.refusal(error) from None
        if source.dirty or source.encoding.guessed:
            prove_decoded(source, line, window.last)
        return value

    def _skip_to_next(self, refusal: Refusal) -> None:
        """Tell of what cannot be read, and go to the next value that begins a line as this one does.

        Raises:
            Refusal: the lines do not tell where it begins.
        """
        window = self._window
        indent = window.indent()
        if indent is None or self._bad is None:
            raise refusal
        sought = f"\n{indent}{{"
        while (found := window.text.find(sought, window.at)) < 0 and window.more():
            pass
        self._cut_off = found < 0
        end = len(window.text) if found < 0 else found
        or_raise(self._bad, refusal, window.text[window.at : end])
        window.at = end

    def _another(self) -> bool:
        """What is behind the end of a list: True for another list, as where two files were joined."""
        window = self._window
        if self._inside:
            if names := lists_behind(window):
                or_raise(self._bad, several(self._source.path, window.here().line, names))
            return False
        char = window.skip()
        if char == "[":
            window.at += 1
        elif char:
            self._complain("something follows the closing ] of the list")
        return char == "["

    def _complain(self, why: str) -> None:
        or_raise(self._bad, broken(self._source, self._window.here().line, why, None))


def _articles(source: Source, start: Start, bad: Bad | None) -> Iterator[Row]:
    for here, value in _Stream(source, bad, start, True).values(listed=True):
        try:
            # Each question counts as one byte on, so that every row has a place of its own.
            for number, question in enumerate(questions(source.path, here.line, value)):
                yield row_of(source.path, Start(here.offset + number, here.line), question)
        except Refusal as refusal:
            or_raise(bad, refusal)


def _columns(source: Source, starts: dict[str, Start]) -> Iterator[Row]:
    columns = [_Stream(source, None, start, True).values(listed=True) for start in starts.values()]
    for values in zip(*columns, strict=True):
        yield row_of(
            source.path, values[0][0], dict(zip(starts, (value for _, value in values), strict=True))
        )
