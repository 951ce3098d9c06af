"""Plain text, in pieces that end at a line, so that a file of any size is read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.files import decoded_lines
from engine.data.row import Row

PIECE: Final = 1 << 18
"""Characters of a piece, about; pieces are tokenised apart, so a token never spans two."""


def read_text(path: Path) -> Iterator[Row]:
    """Pieces of the file under `text`, each with the line on which it begins."""
    piece: list[str] = []
    size, begin = 0, 1
    for number, line in decoded_lines(path):
        if not piece:
            begin = number
        piece.append(line)
        size += len(line)
        if size >= PIECE:
            yield Row(str(path), begin, {"text": "".join(piece)})
            piece, size = [], 0
    if piece:
        yield Row(str(path), begin, {"text": "".join(piece)})
