"""JSON values one after the other out of a text that is read in parts, so that no file is held whole."""

from __future__ import annotations

import json
import re
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any, Final

from engine.data.read.complaints import LINE_BYTES, null
from engine.data.read.json_values import DEPTH, PLAIN, TooDeep, Twice, prove
from engine.data.read.source import Source
from engine.data.refusal import Refusal
from engine.data.row import Start, twice_named

_SPACE: Final[re.Pattern[str]] = WHITESPACE
_NEAR_THE_END: Final = 16
"""Characters in which an error may be due to the end of the part: no word of JSON is longer."""
_KEPT: Final = 256
"""Characters before the place that stay at hand, to see how its line is indented."""


class Window:
    """A place in a file's text, which moves on; what lies before it is forgotten."""

    def __init__(self, source: Source, start: Start) -> None:
        self.source = source
        self.text = ""
        self.at = 0
        self.begin = 0
        """Where the last value begins."""
        self._texts = source.texts(start.offset)
        self._offset, self._line = start.offset or source.mark, start.line
        self._counted = 0
        """Up to where in the text offset and line are counted."""

    def here(self) -> Start:
        """Where in the file the place is."""
        if self._counted < self.at:
            passed = self.text[self._counted : self.at]
            self._offset += self.source.bytes_of(passed)
            self._line += passed.count("\n")
            self._counted = self.at
        return Start(self._offset, self._line)

    def skip(self) -> str:
        """Go to the next character that is no blank, which is returned; empty at the end of the file."""
        while True:
            found = _SPACE.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def proved(self) -> Any:
        """As `value`.

        Raises:
            Twice, TooDeep: the value is ambiguous or nested too deeply; the place is behind it.
        """
        value = self.value()
        prove(value, self.text, self.begin, self.at)
        return value

    def value(self) -> Any:
        """The value at the place, which moves behind it; of several under one name the last.

        Raises:
            ValueError, RecursionError: it is no value; the place stays.
            Refusal: it is larger than a row may be.
        """
        self.begin = self.at
        while True:
            try:
                value, end = PLAIN.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if not (self._cut(error) and self.more()):
                    raise
                continue
            # A number at the end of the part may go on in the next.
            if end < len(self.text) or not self.more():
                self.at = end
                return value

    @property
    def last(self) -> str:
        """The text of the last value; empty where none was read."""
        return self.text[self.begin : self.at]

    def more(self) -> bool:
        """Read on, at least as much again as is at hand; False at the end of the file."""
        waiting = len(self.text) - self.at
        if waiting > LINE_BYTES:
            raise _too_large(self.source, self.here().line)
        parts, size = [], 0
        for part in self._texts:
            parts.append(part)
            size += len(part)
            if size >= waiting:
                break
        if not size:
            return False
        self.here()
        forgotten = max(self.at - _KEPT, 0)
        self.text = "".join([self.text[forgotten:], *parts])
        self.at -= forgotten
        self.begin -= forgotten
        self._counted -= forgotten
        return True

    def indent(self) -> str | None:
        """The blanks before the place on its line; None where something else stands there."""
        begin = self.text.rfind("\n", 0, self.at)
        blanks = self.text[begin + 1 : self.at]
        return blanks if begin >= 0 and not blanks.strip(" \t") else None

    def refusal(self, error: BaseException) -> Refusal:
        """What is said of a parser's `error` at the place."""
        line = self.here().line
        if not isinstance(error, json.JSONDecodeError):
            return refused(self.source, error, line)
        line += self.text.count("\n", self.at, error.pos)
        if self.text[error.pos : error.pos + 1] == "\0":
            return null(self.source.path, line)
        begin = self.text.rfind("\n", 0, error.pos)
        column = error.pos - begin if begin >= 0 or len(self.text) < _KEPT else None
        return broken(self.source, line, said(error), column)

    def _cut(self, error: json.JSONDecodeError) -> bool:
        return error.pos >= len(self.text) - _NEAR_THE_END or error.msg.startswith("Unterminated string")


def said(error: json.JSONDecodeError) -> str:
    """The parser's words."""
    return error.msg[:1].lower() + error.msg[1:].removesuffix(" at")


def refused(source: Source, error: BaseException, line: int) -> Refusal:
    """What is said of an error that has no place within the value."""
    if isinstance(error, Twice):
        return twice_named(source.path, line, str(error))
    if isinstance(error, (RecursionError, TooDeep)):
        return _too_nested(source, line)
    # Python reads no number of more than 4,300 digits.
    return broken(source, line, "a number has thousands of digits", None)


def broken(source: Source, line: int, why: str, column: int | None) -> Refusal:
    """What is said of a text that is no JSON."""
    at = "" if column is None else f" at column {column}"
    return Refusal(
        "dataset_encoding_or_parse",
        "This is not valid JSON.",
        where=f"{source.path}:{line}",
        why=f"The parser says: {why}{at}.",
        do="Mend the line; a .jsonl file holds one whole object a line, a .json file one array of objects.",
    )


def _too_nested(source: Source, line: int) -> Refusal:
    """What is said of a value beyond `DEPTH`."""
    return Refusal(
        "dataset_encoding_or_parse",
        f"The row is nested too deeply: more than {DEPTH} lists and objects in one another.",
        where=f"{source.path}:{line}",
        why="Rows for a language model have a few; this is another kind of file, or made to break a reader.",
        do="Check that the file is what its name says, or write the row flatter.",
    )


def _too_large(source: Source, line: int) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        f"The row is larger than {LINE_BYTES >> 20} MiB.",
        where=f"{source.path}:{line}",
        why="No row of text is, so this is probably another kind of file, or a quote or bracket is missing.",
        do="Check that the file is what its name says, or split the row.",
    )
