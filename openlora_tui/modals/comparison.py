"""Marked runs side by side: the verdict, what each came to, their curves, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.lessons.compare import Comparison
from engine.lessons.why import Explanation
from engine.recipe.fields import FIELDS
from engine.run_state import RunState
from openlora_tui.comparison_table import Table, facts_of, heads_of
from openlora_tui.modals.dialogue import Dialogue, Foot, Title
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.plot import levels
from openlora_tui.widgets.wrap import wrapped

_LABEL: Final = 19
_GAP: Final = 2
_WIDEST: Final = 26
_BEST: Final = "best held-out loss"


class ComparisonView(Dialogue[None]):
    """Reads like `openlora runs compare`; of two runs it says why one is better, too.

    Args:
        comparison: the runs as they stand.
        states: their curves, in the same order; None where the files are gone.
        explained: why one of two is better.
    """

    PAGE = True
    BINDINGS: ClassVar = [Binding("q", "close", show=False)]

    def __init__(
        self,
        comparison: Comparison,
        states: Sequence[RunState | None],
        explained: Explanation | None = None,
    ) -> None:
        super().__init__()
        self._comparison, self._states, self._explained = comparison, states, explained

    def compose(self) -> ComposeResult:
        """One page."""
        with Vertical(id="frame"):
            yield Title("Runs side by side", f"{len(self._states)} runs")
            yield Page(self._rows)
            yield Foot(("up down space", "scroll"), ("esc", "close"))

    def on_mount(self) -> None:
        """The page hears the keys."""
        super().on_mount()
        self.query_one(Page).focus()

    def _rows(self, width: int) -> list[Row]:
        cell = min((width - _LABEL) // len(self._states) - _GAP, _WIDEST)
        comparison = self._comparison
        differs = [[_called(name), *had] for name, had in comparison.differs.items()]
        same = [Row("their recipes are the same", "dim")]
        return [
            *(Row(line, "bright") for line in wrapped(comparison.verdict, width)),
            *self._reasons(width),
            Row(),
            *self._table([["", *heads_of(comparison)]], cell),
            *(self._table(differs, cell) if differs else same),
            Row(),
            *self._table(facts_of(comparison), cell),
            *self._curves(cell),
        ]

    def _table(self, table: Table, cell: int) -> Iterator[Row]:
        best = self._comparison.ranking[0] if self._comparison.ranking else []
        for label, *had in table:
            row = Row(label[:_LABEL].ljust(_LABEL), "dim")
            for run, value in zip(self._comparison.runs, had, strict=True):
                role = "text" if label else "bright"
                role = "ok" if label == _BEST and run.run in best else role
                shown = Row(value, role).cut(cell, self.tui.glyphs.ellipsis)
                row.add(" " * (_GAP + cell - shown.width)).join(shown)
            yield row

    def _curves(self, cell: int) -> Iterator[Row]:
        """Each run's curves in a line, the held-out one below."""
        for label, name, role in (
            ("loss", "loss", "chart-train"),
            ("held-out loss", "eval_loss", "chart-eval"),
        ):
            series = [getattr(state, name).points() if state is not None else [] for state in self._states]
            if not any(series):
                continue
            row = Row(label.ljust(_LABEL), "dim")
            for points in series:
                line = levels(points, min(cell, max(len(points), 1)), self.tui.glyphs.levels)
                row.add(" " * (_GAP + cell - len(line))).add(line, role)
            yield row

    def _reasons(self, width: int) -> Iterator[Row]:
        """Why one of two is better, and what would tell; the settings stand in the table."""
        if self._explained is None:
            return
        settings = tuple(f"{name}:" for name in self._comparison.differs)
        told = [one for one in self._explained.reasons if not one.startswith(settings)]
        for reason in filter(None, [*told, self._explained.test]):
            yield from (Row(line) for line in wrapped(reason, width))


def _called(name: str) -> str:
    """A field by its name, by the form's label where that alone fits."""
    return name if len(name) <= _LABEL else next(field.label for field in FIELDS if field.name == name)
