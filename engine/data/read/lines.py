"""The lines of a data file as text, each with where it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.data.read.complaints import LINE_BYTES, null, too_long
from engine.data.read.source import Source
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Start

_ESCAPED: Final = re.compile("[\udc80-\udcff]")
"""What stands in a text for a byte that could not be decoded."""
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_WIDE_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


def lines(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[tuple[Start, str]]:
    """The lines from `start` on with their line ends, each with where it begins, without a byte-order mark.

    Raises:
        Refusal: the file cannot be opened, or has a line above `LINE_BYTES`; and where `bad` is None, a line
            is not in the encoding of the file or holds a null byte.
    """
    if source.wide or source.old_mac:
        yield from _in_text(source, start, bad)
        return
    with source.open(start.offset) as file:
        offset, number = start.offset or source.mark, start.line
        begun = start.offset > 0
        decided, codec, page = source.settled, source.encoding.codec, source.encoding.guessed
        while line := file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise too_long(source.path, number)
            if not (decided or line.isascii()):
                encoding = source.decide(0 if begun else offset)
                decided, codec, page = True, encoding.codec, encoding.guessed
            try:
                text = line.decode(codec)
                if "\0" in text:
                    raise null(source.path, number)
                if page and not line.isascii():
                    if source.mixed(line):
                        raise source.undecodable(number, line)
                    source.met(number)
            except UnicodeDecodeError:
                or_raise(bad, source.undecodable(number, line), line.decode(errors="backslashreplace"))
            except Refusal as refusal:
                or_raise(bad, refusal, line.decode(errors="backslashreplace"))
            else:
                yield Start(offset, number), text
            offset += len(line)
            number += 1


def _in_text(source: Source, start: Start, bad: Bad | None) -> Iterator[tuple[Start, str]]:
    """Lines that cannot be found in the bytes."""
    pattern = _LINE if source.old_mac else _WIDE_LINE
    offset, number, rest = start.offset or source.mark, start.line, ""
    for text in _and_an_end(source.texts(start.offset)):
        found = pattern.findall(rest + (text or ""))
        # The last line may go on in the next part, and so may a line end of two characters.
        rest = found.pop() if found and text is not None else ""
        if len(rest) > LINE_BYTES:
            raise too_long(source.path, number)
        for line in found:
            begin = Start(offset, number)
            offset += source.bytes_of(line)
            number += 1
            try:
                prove_decoded(source, begin.line, line)
            except Refusal as refusal:
                or_raise(bad, refusal, line.encode("utf-8", "backslashreplace").decode())
            else:
                yield begin, line


def prove_decoded(source: Source, number: int, text: str) -> None:
    """Refuse a part of `Source.texts` that holds what is no character of its encoding; count a guess."""
    if "\0" in text:
        raise null(source.path, number)
    if text.isascii():
        return
    if not source.wide and _ESCAPED.search(text):
        raise source.undecodable(number, source.raw_of(text))
    if source.encoding.guessed:
        if source.mixed(raw := source.raw_of(text)):
            raise source.undecodable(number, raw)
        source.met(number)


def _and_an_end(texts: Iterator[str]) -> Iterator[str | None]:
    yield from texts
    yield None
