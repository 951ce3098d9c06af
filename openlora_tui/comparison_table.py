"""A comparison of runs as tables: for a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from engine.lessons.compare import UNSET, Comparison
from engine.lessons.lesson import Lesson
from engine.text import one_line
from openlora_tui.figures import duration, size

_WIDEST: Final = 24
_LABEL: Final = 28
Curves = Sequence[Sequence[str | float | None]]
"""Places with the loss of each run, then the held-out loss of each."""
Table = list[list[str]]


def plain(comparison: Comparison, curves: Curves) -> list[str]:
    """Aligned columns, a run in each."""
    lines: list[str] = []
    found = list(tables(comparison, curves))
    widths = _widths([row for _, table in found for row in table])
    for title, table in found:
        lines += [*([title] if title else []), *_aligned(table, widths), ""]
    return [*lines, comparison.verdict]


def markdown(comparison: Comparison, curves: Curves) -> list[str]:
    """The same, to paste into a report."""
    lines: list[str] = []
    for title, table in tables(comparison, curves):
        lines += [*([f"**{title}**", ""] if title else []), *_piped(table), ""]
    return [*lines, _escaped(comparison.verdict)]


def tables(comparison: Comparison, curves: Curves = ()) -> Iterator[tuple[str, Table]]:
    """What each run came to, what differs, and the curves: a title and rows, the first with the heads."""
    runs = comparison.runs
    heads = heads_of(comparison)
    yield "", [["run", *heads], *facts_of(comparison)]
    if comparison.differs:
        yield (
            "what differs",
            [["setting", *heads], *([name, *had] for name, had in comparison.differs.items())],
        )
    else:
        yield "their recipes are the same", []
    if curves:
        yield "loss", [["step", *heads], *_part(curves, 1, len(runs))]
        held_out = _part(curves, 1 + len(runs), len(runs))
        if any(any(cells[1:]) for cells in held_out):
            yield "held-out loss", [["step", *heads], *held_out]


def heads_of(comparison: Comparison) -> list[str]:
    """What stands above each run's column."""
    return [one_line(f"{run.run} {run.name}".rstrip(), _WIDEST) for run in comparison.runs]


def facts_of(comparison: Comparison) -> Table:
    """What each run came to, as far as it is known of any."""
    told = ([label, *(tell(run) for run in comparison.runs)] for label, tell in _FACTS.items())
    return [row for row in told if any(row[1:])]


def _part(curves: Curves, begin: int, many: int) -> Table:
    return [[str(row[0]), *(_figure(value) for value in row[begin : begin + many])] for row in curves]


def _figure(value: str | float | None) -> str:
    return number(value) if isinstance(value, float) else ""


def number(value: float) -> str:
    """A loss in four digits."""
    return f"{value:.4g}"


def _evaluation(run: Lesson) -> str:
    return ", ".join(f"{one_line(name, 20)} {number(value)}" for name, value in run.evaluation.items())


_FACTS: Final[dict[str, Callable[[Lesson], str]]] = {
    "tags": lambda run: one_line(", ".join(run.tags), _WIDEST),
    "note": lambda run: one_line(run.note, _WIDEST),
    "status": lambda run: run.status,
    "steps": lambda run: f"{run.steps:,} of {run.planned:,}" if run.planned else f"{run.steps:,}",
    "best held-out loss": lambda run: "" if run.eval_loss is None else number(run.eval_loss),
    "its noise": lambda run: "" if run.eval_noise is None else f"{run.eval_noise:.2g}",
    "loss at the end": lambda run: "" if run.loss is None else number(run.loss),
    "evaluation": _evaluation,
    "took": lambda run: duration(run.seconds) if run.seconds else "",
    "speed": lambda run: f"{run.tokens_per_second:,.0f} tok/s" if run.tokens_per_second else "",
    "memory": lambda run: size(run.peak_memory) if run.peak_memory else "",
    "device": lambda run: one_line(run.hardware, _WIDEST),
    "found": lambda run: one_line(
        "; ".join(f.category for f in run.findings if f.severity != "note"), _WIDEST
    ),
}


def _widths(rows: Table) -> list[int]:
    """One for all tables, so that a run keeps its column."""
    most = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [min(width, _WIDEST if at else _LABEL) for at, width in enumerate(most)]


def _aligned(table: Table, widths: Sequence[int]) -> list[str]:
    return [
        "  ".join(
            one_line(cell, width).rjust(width) if at else one_line(cell, width).ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _piped(table: Table) -> list[str]:
    if not table:
        return []
    first, *rest = table
    rule = ["---", *["---:"] * (len(first) - 1)]
    return [f"| {' | '.join(map(_escaped, row))} |" for row in (first, rule, *rest)]


def _escaped(text: str) -> str:
    """With nothing that Markdown would take for its own; an empty cell is said."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_") or UNSET
