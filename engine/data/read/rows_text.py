"""Plain text, in pieces that end at a line, so that a file of any size is read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.read.files import decoded_lines
from engine.data.refusal import Bad
from engine.data.row import TOP, Row, Start

PIECE: Final = 1 << 18
"""Characters of a piece, about; pieces are tokenised apart, so a token never spans two."""


def read_text(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """Pieces of the file under `text`, each with the line on which it begins."""
    piece: list[str] = []
    size, begin = 0, start
    for here, line in decoded_lines(path, start, bad):
        if not piece:
            begin = here
        piece.append(line)
        size += len(line)
        if size >= PIECE:
            yield Row(str(path), begin.line, {"text": "".join(piece)}, begin.offset)
            piece, size = [], 0
    if piece:
        yield Row(str(path), begin.line, {"text": "".join(piece)}, begin.offset)


def read_text_lines(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[Row]:
    """The file's lines under `text`, for looking at it."""
    for here, line in decoded_lines(path, start, bad):
        yield Row(str(path), here.line, {"text": line.rstrip("\r\n")}, here.offset)
