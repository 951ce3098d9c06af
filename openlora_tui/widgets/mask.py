"""A row as the model sees it: what is trained stands out, what is cut off lies behind a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, chop_cells

from engine.inspection.talk import Piece, Shown
from engine.text import clean, one_line
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_WORDS: Final = re.compile(r"\n|[^\S\n]+|\S+")
_GUTTER: Final = 2


def facts_row(shown: Shown, glyphs: Glyphs) -> Row:
    """How long the row is, and what is lost of it."""
    if not shown.pieces:
        return Row(one_line(shown.note), "warn")
    row = Row(f"{shown.tokens:,} tokens").add(f"   {shown.learnt:,} trained", "dim")
    if shown.lost:
        mark = glyphs.severity["warning"]
        row.add(f"   {mark} {shown.lost:,} trained tokens cut", "warn")
    if shown.endless:
        row.add("   stop token cut" if shown.lost else "   no stop token", "warn")
    return row


def legend(glyphs: Glyphs) -> Row:
    """What the roles mean."""
    return (
        Row(f"{glyphs.wall} ", "accent").add("trained", "bright").add("   not trained", "dim")
        .add("   ").add("‹special token›", "accent").add("   cut off", "faint")
    )  # fmt: skip


def mask_rows(shown: Shown, width: int, glyphs: Glyphs, most: int = 0) -> list[Row]:
    """The text, folded, its first `most` lines if given; a bar marks lines in which something is trained."""
    fold = _Fold(max(width - _GUTTER, 4), glyphs)
    part = 0
    for piece in shown.pieces:
        if piece.part != part:
            fold.rule(_boundary(shown, piece.part))
        part = piece.part
        fold.add(piece, cut=bool(part) and not shown.windows)
        if most and fold.lines > most:
            return fold.rows()
    rows = fold.rows()
    if shown.left_out:
        rows.append(Row("  ").add(f"and {shown.left_out:,} tokens more", "dim"))
    if shown.note and shown.pieces:
        rows += [Row(), *(Row("  ").add(line, "dim") for line in wrapped(shown.note, width - 2))]
    return rows


def value_rows(shown: Shown, width: int) -> list[Row]:
    """The columns with their values, folded."""
    rows: list[Row] = []
    for name, value in shown.values:
        rows.append(Row(one_line(name), "dim"))
        lines = wrapped(value, width - 2) if value else []
        rows += [Row("  ").add(line) for line in lines] or [Row("  ").add("empty", "faint")]
    return rows


def _boundary(shown: Shown, part: int) -> str:
    if shown.windows:
        return f"window {part + 1:,}"
    return f"{shown.max_length:,} tokens: cut from here"


class _Fold:
    """Folds pieces into lines, at blanks where there are any."""

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self._width = width
        self._glyphs = glyphs
        self._rows: list[Row] = []
        self._line = Row()
        self._learnt = False

    def add(self, piece: Piece, *, cut: bool) -> None:
        """Go on with a piece."""
        role = "faint" if cut else "accent" if piece.special else "bright" if piece.learnt else "dim"
        text = clean(piece.text)
        for word in _special(text) if piece.special else _words(text, self._width):
            if word == "\n":
                self._mark(self._glyphs.newline, piece.learnt and not cut)
                self._end()
                continue
            if self._line.width + cell_len(word) > self._width and self._line.width:
                self._end()
                if word.isspace():
                    continue
            self._line.add(word, role)
            self._learnt = self._learnt or (piece.learnt and not cut)

    def rule(self, text: str) -> None:
        """A line across, with a word on what it parts."""
        self._end()
        left = max(self._width - len(text) - 6, 0)
        dash = self._glyphs.dash
        row = Row("  ").add(f"{dash * 4} {text} ", "warn").add(dash * left, "warn")
        self._rows.append(row)

    @property
    def lines(self) -> int:
        """Lines that are full."""
        return len(self._rows)

    def rows(self) -> list[Row]:
        """All lines."""
        self._end()
        return self._rows

    def _mark(self, glyph: str, learnt: bool) -> None:
        if self._line.width < self._width:
            self._line.add(glyph, "faint")
        self._learnt = self._learnt or learnt

    def _end(self) -> None:
        if self._line.width:
            gutter = Row(f"{self._glyphs.wall} ", "accent") if self._learnt else Row("  ")
            self._rows.append(gutter.join(self._line))
        self._line, self._learnt = Row(), False


def _words(text: str, width: int) -> Iterator[str]:
    for word in _WORDS.findall(text.expandtabs(4)):
        if word == "\n" or cell_len(word) <= width:
            yield word
        else:
            yield from chop_cells(word, width)


def _special(text: str) -> Iterator[str]:
    """A special token between its own brackets, so that it is not taken for text."""
    bare = one_line(text)
    yield f"‹{bare[1:-1]}›" if bare[:1] == "<" and bare[-1:] == ">" else f"‹{bare}›"
