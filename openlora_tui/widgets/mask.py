"""A row as the model sees it: what is trained stands out, what is cut off lies behind a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from rich.cells import cell_len, chop_cells

from engine.inspection.talk import Piece, Shown
from engine.text import clean, one_line
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_WORDS: Final = re.compile(r"\n|[^\S\n]+|\S+")
_GUTTER: Final = 2
_NUMBER: Final = 7
"""Cells that are kept for a token's id."""
Tokens = Literal["joined", "parted", "numbered"]
"""How tokens are shown: as one text, with their borders, or with their ids as well."""
TOKENS: Final[tuple[Tokens, ...]] = ("joined", "parted", "numbered")


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


def legend(glyphs: Glyphs) -> list[Row]:
    """What the roles mean, one after the other."""
    trained = Row(f"{glyphs.wall} ", "accent").add("trained", "bright")
    return [trained, Row("not trained", "dim"), Row("‹special token›", "accent"), Row("cut off", "faint")]


def mask_rows(
    shown: Shown, width: int, glyphs: Glyphs, most: int = 0, tokens: Tokens = "joined"
) -> list[Row]:
    """The text, folded, its first `most` lines if given.

    A line holds either what is trained, and begins with a bar, or what is not: colours are not needed.
    """
    fold = _Fold(max(width - _GUTTER, 4), glyphs, tokens)
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


def prompt_rows(pieces: Sequence[Piece], width: int, glyphs: Glyphs, tokens: Tokens = "joined") -> list[Row]:
    """A prompt, folded; what differs from the one beside it stands between brackets, its lines marked."""
    fold = _Fold(max(width - _GUTTER, 4), glyphs, tokens)
    for piece in pieces:
        fold.add(piece, cut=False)
    return fold.rows()


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
    """Folds pieces into lines, at blanks where there are any; what is trained begins a line of its own."""

    def __init__(self, width: int, glyphs: Glyphs, tokens: Tokens) -> None:
        self._width = width
        self._glyphs = glyphs
        self._tokens = tokens
        self._rows: list[Row] = []
        self._line = Row()
        self._learnt = False
        self._differs = False

    def add(self, piece: Piece, *, cut: bool) -> None:
        """Go on with a piece."""
        learnt = piece.learnt and not cut
        if self._line.width and learnt != self._learnt and piece.text.strip():
            self._end()
        role = "faint" if cut else "accent" if piece.special else "bright" if piece.learnt else "dim"
        if piece.differs:
            role = "bold warn"
            self._word("[" if self._glyphs.braille else "{", role, learnt)
        for word, quiet in self._words(piece):
            self._word(word, "faint" if quiet else role, learnt, differs=piece.differs)
        if piece.differs:
            self._word("]" if self._glyphs.braille else "}", role, learnt)

    def _word(self, word: str, role: str, learnt: bool, *, differs: bool = False) -> None:
        self._differs = self._differs or differs
        if word == "\n":
            self._mark(self._glyphs.newline, learnt)
            self._end()
            return
        # A mark of at most this much stays with its token.
        room = _NUMBER if self._tokens == "numbered" and role != "faint" else 0
        if self._line.width + cell_len(word) + room > self._width and self._line.width:
            self._end()
            if word.isspace() and not room:
                return
        self._line.add(word, role)
        self._learnt = self._learnt or learnt

    def _words(self, piece: Piece) -> Iterator[tuple[str, bool]]:
        """What is written one after the other, each with True where it is no text of the row."""
        if piece.special:
            yield _special(clean(piece.text), piece.name, self._number(piece)), False
        elif self._tokens == "joined" or not piece.tokens:
            yield from ((word, False) for word in _words(clean(piece.text), self._width))
        else:
            for text, ids in _parted(piece):
                mark = f"{'+'.join(map(str, ids))} " if self._tokens == "numbered" else self._glyphs.border
                bare = clean(text).rstrip("\n")
                yield from ((word, False) for word in _words(bare, self._width))
                yield mark, True
                yield from (("\n", False) for _ in clean(text)[len(bare) :])

    def _number(self, piece: Piece) -> str:
        return f" {piece.tokens[0][0]}" if self._tokens == "numbered" and piece.tokens else ""

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
            if self._differs:
                gutter = Row(f"{self._glyphs.severity['warning']} ", "warn")
            self._rows.append(gutter.join(self._line))
        self._line, self._learnt, self._differs = Row(), False, False


def _words(text: str, width: int) -> Iterator[str]:
    for word in _WORDS.findall(text.expandtabs(4)):
        if word == "\n" or cell_len(word) <= width:
            yield word
        else:
            yield from chop_cells(word, width)


def _parted(piece: Piece) -> Iterator[tuple[str, list[int]]]:
    """The tokens of a piece; those that share one character come as one, with all their ids."""
    at, text, ids = 0, "", list[int]()
    for token, size in piece.tokens:
        if size and ids:
            yield text, ids
            text, ids = "", []
        text += piece.text[at : at + size]
        ids.append(token)
        at += size
    if ids:
        yield text, ids


def _special(text: str, name: str, number: str) -> str:
    """A special token between its own brackets, so that it is not taken for text, with what it does."""
    bare = one_line(text)
    bare = bare[1:-1] if bare[:1] == "<" and bare[-1:] == ">" else bare
    return f"‹{bare}{' ' + name if name else ''}{number}›"
