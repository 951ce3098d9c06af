"""One row of data for `openlora inspect --row`: as the model sees it, and as a chat would ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.inspection.talk import Beside, Piece, Shown
from engine.text import clean, one_line

_SHOWN: Final = 4000


def row_lines(row: Shown) -> list[str]:
    """The row; what is trained stands between »« so that it can be told without colours."""
    lines = [
        "",
        f"row {row.row + 1:,}   {one_line(row.where)}   {row.tokens:,} tokens, {row.learnt:,} trained",
    ]
    if row.note:
        lines.append(f"  {one_line(row.note)}")
    text, part, learning = "", 0, False
    for piece in row.pieces:
        if learning and (not piece.learnt or piece.part != part):
            text, learning = text + "«", False
        if piece.part != part:
            text += f"\n──── {'window' if row.windows else 'cut'} ────\n"
        if piece.learnt and not learning:
            text, learning = text + "»", True
        text, part = text + _named(piece), piece.part
    text += "«" if learning else ""
    lines += _indented(text)
    return [*lines, *_beside(row.beside)] if row.beside is not None else lines


def _beside(beside: Beside) -> list[str]:
    """What a chat would ask, where that is not what training asks; what differs stands between []."""
    if not beside.said:
        return ["", "chat   the same prompt, token for token"]
    lines = ["", "chat   another prompt", *(f"  {one_line(said)}" for said in beside.said)]
    for title, pieces in (("in training", beside.training), ("in a chat", beside.chat)):
        lines += [f"  {title}", *(f"  {line}" for line in _indented(_bracketed(pieces)))]
    return lines


def _bracketed(pieces: Sequence[Piece]) -> str:
    return "".join(f"[{_named(piece)}]" if piece.differs else _named(piece) for piece in pieces)


def _named(piece: Piece) -> str:
    """A piece's text; behind a special token stands what it does."""
    return f"{piece.text}‹{piece.name}›" if piece.name else piece.text


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in clean(text[:_SHOWN]).split("\n")]
