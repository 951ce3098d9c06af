"""Composes a text of columns: `"{title}\\n\\n{body}"`; names alone, no code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_LONGEST: Final = 1 << 16
_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[^{}]+|[{}]")


class Misspelt(ValueError):
    """Why a text is no template, or no condition."""


class Piece(NamedTuple):
    """Text as it stands, or the path of a value."""

    text: str
    path: bool


class Template:
    """A template, ready to be filled in.

    A line whose columns are all empty is left out, and so is a paragraph of which no line is left: an empty
    `{body}` leaves no gap. What is filled in keeps its own lines.

    Raises:
        Misspelt: a brace without its other half, or with no name in it.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise Misspelt(f"it is longer than {_LONGEST:,} characters")
        self.text = text
        paragraphs = re.split(r"\n{2,}", text)
        self._paragraphs = [[list(_pieces(line)) for line in part.split("\n")] for part in paragraphs]

    @property
    def paths(self) -> list[str]:
        """The values that it asks for."""
        return [
            piece.text for part in self._paragraphs for line in part for piece in line if piece.path
        ]  # fmt: skip

    def filled(self, value: Callable[[str], str]) -> str:
        """The text, with `value` telling what stands for a path."""
        parts = []
        for paragraph in self._paragraphs:
            lines = [text for line in paragraph if (text := _filled(line, value)) is not None]
            if lines:
                parts.append("\n".join(lines))
        return "\n\n".join(parts)


def _filled(line: list[Piece], value: Callable[[str], str]) -> str | None:
    texts, empty = [], any(piece.path for piece in line)
    for piece in line:
        text = value(piece.text) if piece.path else piece.text
        empty = empty and not (piece.path and text.strip())
        texts.append(text)
    return None if empty else "".join(texts)


def _pieces(line: str) -> Iterator[Piece]:
    for found in _PIECE.finditer(line):
        whole, name = found.group(), found.group(1)
        if whole in ("{{", "}}"):
            yield Piece(whole[0], path=False)
        elif name is not None:
            if not name.strip():
                raise Misspelt("`{}` names no column")
            yield Piece(name.strip(), path=True)
        elif whole in "{}":
            other = "closed" if whole == "{" else "opened"
            raise Misspelt(f"`{whole}` is never {other}; write `{whole * 2}` for the brace itself")
        else:
            yield Piece(whole, path=False)
