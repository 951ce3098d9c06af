"""One run in one line, for the table of runs."""

from __future__ import annotations

from typing import Final

from engine.messages import RunRow
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import STATUS_ROLE, Glyphs, status_word
from openlora_tui.widgets.painted import Row

_COLUMNS: Final = (
    # title, width, numbers are right-aligned, from which width of the table on
    ("status", 13, False, 0),
    ("step", 11, True, 0),
    ("", 5, True, 0),
    ("loss", 6, True, 0),
    ("eval", 6, True, 64),
    ("age", 5, True, 56),
    ("device", 7, False, 96),
    ("run", 24, False, 124),
)
_GAP: Final = 2
_EDGE: Final = 1
"""Cells that stay free at the right edge."""


def _shown(width: int) -> list[tuple[str, int, bool, int]]:
    return [column for column in _COLUMNS if width >= column[3]]


def _name_width(width: int) -> int:
    return max(width - _EDGE - sum(size + _GAP for _, size, _, _ in _shown(width)), 8)


def head_row(width: int) -> Row:
    """The titles of the columns."""
    row = Row(" ").add("name".ljust(_name_width(width - 1)), "dim")
    for title, size, right, _ in _shown(width - 1):
        row.add(" " * _GAP).add(title.rjust(size) if right else title.ljust(size), "dim")
    return row


def run_row(
    run: RunRow, width: int, now: float, glyphs: Glyphs, place: int = 0, *, marked: bool = False
) -> Row:
    """The run in the columns that fit; `place` counts from 1 where several runs wait."""
    name = Row(f"{glyphs.marked} " if marked else "", "bold accent").add(
        one_line(run.name) or run.run, "bright"
    )
    for tag in run.tags:
        name.add(f" #{one_line(tag)}", "dim")
    name = name.cut(_name_width(width), glyphs.ellipsis)
    row = Row().join(name).to(_name_width(width))
    cells = _cells(run, now, glyphs, place)
    for title, size, right, _ in _shown(width):
        cell = cells[title].cut(size, glyphs.ellipsis)
        row.add(" " * (_GAP + (size - cell.width if right else 0))).join(cell)
        row.add("" if right else " " * (size - cell.width))
    return row


def _cells(run: RunRow, now: float, glyphs: Glyphs, place: int) -> dict[str, Row]:
    role = "warn" if run.silent else STATUS_ROLE.get(run.status, "text")
    word = "not heard" if run.silent else "held" if run.held else one_line(status_word(run.status, run.phase))
    if place and run.status == "queued":
        word = f"{word} #{place}"
    part = run.step / run.steps if run.steps else 0.0
    steps = f"{run.step:,}/{run.steps:,}" if run.steps else f"{run.step:,}" if run.step else "–"
    if len(steps) > 11:
        steps = f"{figures.short(run.step)}/{figures.short(run.steps)}".replace(" ", "")
    return {
        "status": Row(f"{glyphs.status.get(run.status, '?')} {word}", role),
        "step": Row(steps),
        "": Row(figures.percent(part) if run.steps else "", "dim"),
        "loss": Row(figures.loss(run.loss), "chart-train" if run.loss is not None else "dim"),
        "eval": Row(figures.loss(run.eval_loss), "chart-eval" if run.eval_loss is not None else "dim"),
        "device": Row(one_line(run.device), "dim"),
        "age": Row(figures.age(now - run.created) if run.created else "", "dim"),
        "run": Row(one_line(run.run), "dim"),
    }
