"""Plain text, in pieces that end at a line, so that a file of any size is read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.data.read.lines import lines
from engine.data.read.source import Source
from engine.data.refusal import Bad
from engine.data.row import TOP, Row, Start

PIECE: Final = 1 << 18
"""Characters of a piece, about; pieces are tokenised apart, so a token never spans two."""


def read_text(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """Pieces of the file under `text`, each with the line on which it begins."""
    piece: list[str] = []
    size, begin, path = 0, start, str(source.path)
    for here, line in lines(source, start, bad):
        if not piece:
            begin = here
        piece.append(line)
        size += len(line)
        if size >= PIECE:
            yield Row(path, begin.line, {"text": "".join(piece)}, begin.offset)
            piece, size = [], 0
    if piece:
        yield Row(path, begin.line, {"text": "".join(piece)}, begin.offset)


def read_text_lines(source: Source, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The file's lines under `text`, for looking at it."""
    path = str(source.path)
    for here, line in lines(source, start, bad):
        yield Row(path, here.line, {"text": line.rstrip("\r\n")}, here.offset)
