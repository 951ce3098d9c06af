"""The selected run in a few lines: what it is made of, and what became of it."""

from __future__ import annotations

from engine.messages import RunRow
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import STATUS_ROLE, status_word
from openlora_tui.widgets.machine import heading
from openlora_tui.widgets.painted import Painted, Row, between
from openlora_tui.widgets.wrap import tail, wrapped


class RunDetail(Painted):
    """Follows the cursor of the table."""

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading and a line for each thing known."""
        run = self.tui.facts().row
        if run is None:
            return []
        tall = height > 8
        rows = [heading(one_line(run.name, width - 8) or run.run, "", width, self.tui.glyphs)]
        rows += self._status(run, width, 3 if tall else 1)
        rows.append(self._model(run, width, tall))
        data = ", ".join(one_line(path) for path in run.data)
        rows.append(self._line("data", tail(data, width - 9)))
        if run.adapter:
            rows += self._adapter(one_line(run.adapter), width, tall)
        if tall or not run.adapter:
            rows.append(self._line("run", one_line(run.run)))
        if tall and run.lineage:
            came = figures.came_from(run.lineage, self.tui.glyphs.parent)
            rows.append(self._line("", came, "dim"))
        if tall:
            rows += self._numbers(run)
            rows += self._labels(run, width)
        return rows

    def _labels(self, run: RunRow, width: int) -> list[Row]:
        """Tags and note, in a few lines."""
        tags = " ".join(f"#{one_line(tag)}" for tag in run.tags)
        rows = [self._line("tags", tail(tags, width - 9), "accent")] if tags else []
        note = wrapped(one_line(run.note), width - 9)[:4] if run.note else []
        return rows + [self._line("" if at else "note", line) for at, line in enumerate(note)]

    def _line(self, label: str, text: str, role: str = "text") -> Row:
        return Row(label.ljust(9), "dim").add(text, role)

    def _status(self, run: RunRow, width: int, most: int) -> list[Row]:
        role = STATUS_ROLE.get(run.status, "text")
        word = "held" if run.held else one_line(status_word(run.status, run.phase))
        glyph = self.tui.glyphs.status.get(run.status, "?")
        first = self._line("status", f"{glyph} {word}", role)
        if run.findings:
            first.add(f"   {run.findings} finding{'s' if run.findings > 1 else ''}", "warn")
        # A run that ended well keeps the detail of its last phase, which nobody asks for any more.
        reason = "" if run.status in ("succeeded", "stopped") else one_line(run.reason)
        if not reason:
            return [first]
        if most == 1:
            return [first.add(f"   {reason}")]
        return [first, *(self._line("", line) for line in wrapped(reason, width - 9)[:most])]

    def _model(self, run: RunRow, width: int, tall: bool) -> Row:
        """The model; in a low panel, which has no room for a line of the run's own, its ancestors too."""
        if tall or not run.lineage:
            return self._line("model", tail(one_line(run.model), width - 9))
        came = figures.came_from(run.lineage, self.tui.glyphs.parent)
        model = self._line("model", tail(one_line(run.model), max(width - len(came) - 12, 8)))
        return between(model, Row(came, "dim"), width)

    def _adapter(self, path: str, width: int, tall: bool) -> list[Row]:
        if not tall:
            return [self._line("adapter", tail(path, width - 9), "ok")]
        return [
            self._line("adapter" if i == 0 else "", line, "ok")
            for i, line in enumerate(wrapped(path, width - 9))
        ]

    def _numbers(self, run: RunRow) -> list[Row]:
        steps = f"{run.step:,} / {run.steps:,}" if run.steps else f"{run.step:,}"
        rows = [Row(), self._line("steps", steps)]
        if run.loss is not None:
            rows.append(self._line("loss", figures.loss(run.loss), "chart-train"))
        if run.eval_loss is not None:
            rows.append(self._line("eval", figures.loss(run.eval_loss), "chart-eval"))
        if run.created:
            rows.append(self._line("took", figures.duration(run.updated - run.created)))
        if run.device:
            rows.append(self._line("device", one_line(run.device)))
        return rows
