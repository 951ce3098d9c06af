"""Fits cleaned text into a width, by cells and not by characters."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len, chop_cells

from engine.text import clean


def wrapped(text: str, width: int) -> list[str]:
    """The lines of text from outside, cleaned, folded at blanks where there are any."""
    lines: list[str] = []
    for paragraph in clean(text).expandtabs(4).split("\n"):
        lines += _folded(paragraph, max(width, 4))
    return lines


def near(where: str, folder: Path) -> str:
    """A place in a file as it is called from `folder`."""
    return where.removeprefix(f"{folder}/")


def tail(path: str, width: int) -> str:
    """The end of a path, which is the part that tells it from others."""
    return path if len(path) <= width else "…" + path[-(max(width, 2) - 1) :]


def _folded(paragraph: str, width: int) -> list[str]:
    if cell_len(paragraph) <= width:
        return [paragraph.rstrip()]
    indent = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    lines, line = [], ""
    for word in paragraph.split(" "):
        candidate = f"{line} {word}" if line else word
        if cell_len(candidate) <= width:
            line = candidate
            continue
        if line.strip():
            lines.append(line.rstrip())
        pieces = chop_cells(f"{indent}{word}" if cell_len(indent) < width // 2 else word, width)
        lines += pieces[:-1]
        line = pieces[-1] if pieces else ""
    lines.append(line.rstrip())
    return lines
