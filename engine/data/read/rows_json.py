"""Rows of JSON Lines, of a JSON array, of an object around one array, and of JSON Lines named .json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, Final

from engine.data.read.files import decoded_lines, opened, whole_text
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Row, Start, row_of, twice_named


class _Twice(ValueError):
    """An object has two values under one name."""


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unambiguous)
_SPACE: Final[re.Pattern[str]] = WHITESPACE
_PART: Final = 1 << 20
_BETWEEN: Final = re.compile(r"\s*,?\s*")
"""What sets rows apart, in an array and in lines; empty lines may hold any blanks."""
_BROKEN = (ValueError, RecursionError)


def read_jsonl(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """One JSON object a line; empty lines are passed over."""
    for here, line in decoded_lines(path, start, bad):
        if not line.strip():
            continue
        begin = Start(here.offset + _bytes(line, 0, _skip(line, 0)), here.line)
        try:
            row = row_of(path, begin, _parsed(path, here.line, line.rstrip()))
        except Refusal as refusal:
            or_raise(bad, refusal, line)
        else:
            yield row


def read_json(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """A JSON array of rows, an object with one list of rows in it, or JSON Lines."""
    if start != TOP:
        yield from _from_row(path, start, bad)
        return
    text, mark = whole_text(path)
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at : at + 1] == "[":
        yield from _array_rows(path, text, at, mark, bad)
        return
    if text[at : at + 1] != "{":
        raise _broken(path, 1, "it starts with neither [ nor {", "")
    try:
        whole, end = _DECODER.raw_decode(text, at)
    except _BROKEN as error:
        if _whole_first_line(text, at):
            yield from read_jsonl(path, bad=bad)
            return
        raise _refused(path, error, text, 1) from None
    if _skip(text, end) < len(text):
        yield from read_jsonl(path, bad=bad)
        return
    array = _only_list(text, at)
    if array is None:
        yield row_of(path, Start(mark + at, 1 + text.count("\n", 0, at)), whole)
        return
    yield from _array_rows(path, text, array, mark, bad)


def _array_rows(path: Path, text: str, opening: int, mark: int, bad: Bad | None) -> Iterator[Row]:
    """Rows of the array that opens at `opening`, each with where it begins; `mark` bytes precede the text."""
    line, counted, offset = 1, 0, mark
    at = _skip(text, opening + 1)
    if text[at : at + 1] == "]":
        return
    while True:
        line += text.count("\n", counted, at)
        offset += _bytes(text, counted, at)
        counted = at
        try:
            value, at = _DECODER.raw_decode(text, at)
        except _BROKEN as error:
            raise _refused(path, error, text, line) from None
        try:
            row = row_of(path, Start(offset, line), value)
        except Refusal as refusal:
            or_raise(bad, refusal, text[counted:at])
        else:
            yield row
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return
        if text[at : at + 1] != ",":
            line += text.count("\n", counted, at)
            raise _broken(path, line, "a comma or the closing ] is missing after a row", "")
        at = _skip(text, at + 1)


def _from_row(path: Path, start: Start, bad: Bad | None) -> Iterator[Row]:
    """Rows from one that was read before on, however they are set apart, in parts of the file."""
    offset, line = start
    size = _PART
    with opened(path) as file:
        while True:
            file.seek(offset)
            raw = file.read(size)
            text, at = raw.decode("utf-8", "ignore"), 0
            while (found := _next_object(text, at)) is not None:
                begin, value, end = found
                here = Start(offset + _bytes(text, at, begin), line + text.count("\n", at, begin))
                try:
                    row = row_of(path, here, value)
                except Refusal as refusal:
                    or_raise(bad, refusal)
                else:
                    yield row
                offset = here.offset + _bytes(text, begin, end)
                line = here.line + text.count("\n", begin, end)
                at = end
            if len(raw) < size:
                return
            size = _PART if at else size * 2


def _next_object(text: str, at: int) -> tuple[int, object, int] | None:
    """Begin, value and end of the object after `at`; None where the text ends before the object does."""
    between = _BETWEEN.match(text, at)
    begin = between.end() if between else at
    if text[begin : begin + 1] != "{":
        return None
    try:
        value, end = _DECODER.raw_decode(text, begin)
    except _BROKEN:
        return None
    return begin, value, end


def _bytes(text: str, begin: int, end: int) -> int:
    return len(text[begin:end].encode())


def _whole_first_line(text: str, start: int) -> bool:
    """True where the line at `start` is JSON by itself, so that the file is JSON Lines with a bad line."""
    try:
        json.loads(text[start:].partition("\n")[0])
    except _BROKEN:
        return False
    return True


def _only_list(text: str, start: int) -> int | None:
    """Where the one list of objects begins in the object at `start` (valid JSON), None without one."""
    found = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        _, at = _DECODER.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        value, at = _DECODER.raw_decode(text, begin)
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            found.append((begin, value))
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    if len(found) != 1 or _turns(found[0][1]):
        return None
    return found[0][0]


def _turns(value: list[dict[str, Any]]) -> bool:
    """True where the list is one conversation, so that the object around it is the row."""
    return all({"role", "from"} & set(item) for item in value)


def _parsed(path: Path, number: int, line: str) -> object:
    try:
        return _DECODER.decode(line)
    except _BROKEN as error:
        raise _refused(path, error, line, number) from None


def _refused(path: Path, error: BaseException, text: str, line: int) -> Refusal:
    """What is said of the parser's `error` in `text`, of which the part in question begins on `line`."""
    if isinstance(error, _Twice):
        return twice_named(path, line, str(error))
    if isinstance(error, RecursionError):
        return _broken(path, line, "it is nested too deeply", "")
    if not isinstance(error, json.JSONDecodeError):  # Python reads no number of more than 4,300 digits
        return _broken(path, line, "a number has thousands of digits", "")
    at = line if "\n" not in text.rstrip("\n") else error.lineno
    said = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
    return _broken(path, at, said, f" at column {error.colno}")


def _broken(path: Path, line: int, why: str, column: str) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        "This is not valid JSON.",
        where=f"{path}:{line}",
        why=f"The parser says: {why}{column}.",
        do="Mend the line; a .jsonl file holds one whole object a line, a .json file one array of objects.",
    )


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
