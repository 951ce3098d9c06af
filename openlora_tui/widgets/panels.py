"""The quieter parts of the Train screen: mini charts, samples, findings and the end of the log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from engine import events as ev
from engine.findings import Finding
from engine.run_state import RunState
from engine.series import Series
from engine.text import clean, one_line
from openlora_tui import figures
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.widgets.machine import heading
from openlora_tui.widgets.painted import Painted, Row
from openlora_tui.widgets.plot import levels
from openlora_tui.widgets.run_head import recent_speed
from openlora_tui.widgets.wrap import wrapped

_HELD_OUT: Final = "held out"
LEVEL_ROLE = {"info": "text", "warning": "warn", "error": "bad"}


class MiniCharts(Painted):
    """Learning rate, gradient norm and speed in one row; below it how well pairs are told apart."""

    DEFAULT_CSS = "MiniCharts { height: auto; }"

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """A row, and another where the objective has figures."""
        state = self.tui.session.state
        return 2 if state is not None and state.figures else 1

    def repaint(self) -> None:
        """Paint, after making room for the figures of an objective."""
        if self.get_content_height(None, None, 0) != self.size.height:
            self.refresh(layout=True)
        super().repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """Three charts side by side."""
        state = self.tui.session.state
        if state is None or state.lr.empty:
            return []
        grad = state.grad_norm.latest
        step = (
            ("rate", figures.rate(state.lr.latest), state.lr),
            ("grad", "–" if grad is None else f"{grad:.2f}", state.grad_norm),
            ("tok/s", f"{recent_speed(state):,.0f}", state.speed),
        )
        rows = [self._charts(step, width)]
        return [*rows, *self._told_apart(state, width)]

    def _told_apart(self, state: RunState, width: int) -> list[Row]:
        """Of pairs: the share that the model judges as the rows do, by how much, and on held-out ones."""
        accuracy, margin = state.figures.get("accuracy"), state.figures.get("margin")
        if accuracy is None or margin is None:
            return []
        held = state.eval_figures.get("accuracy", Series())
        parts = (
            ("right", _share(accuracy.latest), accuracy),
            ("margin", "–" if margin.latest is None else f"{margin.latest:.3g}", margin),
            (_HELD_OUT, _share(held.latest), held),
        )
        return [self._charts(parts, width)]

    def _charts(self, parts: Sequence[tuple[str, str, Series]], width: int) -> Row:
        room = (width - 4) // 3
        row = Row()
        for index, (name, value, series) in enumerate(parts):
            row.to(index * (room + 2)).add(f"{name} ", "dim").add(value.rjust(7)).add(" ")
            used = row.width - index * (room + 2)
            role = "chart-eval" if name == _HELD_OUT else "chart-train"
            row.add(levels(series.points(), room - used, self.tui.glyphs.levels), role)
        return row


def _share(value: float | None) -> str:
    return "–" if value is None else figures.percent(value)


class SamplesPanel(Painted):
    """What the model answered last."""

    JUMP = "samples"

    DEFAULT_CSS = "SamplesPanel { height: 8; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """The newest round of samples, as many as fit."""
        state = self.tui.session.state
        newest = state.samples[-1].step if state is not None and state.samples else None
        note = f"step {newest:,}   t all" if newest is not None else ""
        rows = [heading("samples", note, width, self.tui.glyphs)]
        if state is None or newest is None:
            return [
                *rows,
                Row("What the model writes is shown here after the first round of samples.", "dim"),
            ]
        round_ = [sample for sample in state.samples if sample.step == newest]
        each = max((height - 1) // len(round_), 3) if height > 3 else 2
        for sample in round_:
            rows += sample_rows(sample, width, each)
        return rows


def sample_rows(sample: ev.Sampled, width: int, most: int = 0) -> list[Row]:
    """A prompt and its answer, cut after `most` rows if given."""
    rows = [Row("> ", "accent").add(one_line(sample.prompt, width - 2), "dim")] if most else [
        Row("> " if i == 0 else "  ", "accent").add(line, "dim")
        for i, line in enumerate(wrapped(sample.prompt, width - 2))
    ]  # fmt: skip
    lines = wrapped(sample.text.strip(), width - 2)
    if most and len(lines) > most - 1:
        lines = lines[: most - 1]
        lines[-1] = lines[-1][: width - 4].rstrip() + " …"
    return rows + [Row("  ").add(line) for line in lines]


def finding_row(finding: Finding, glyphs: Glyphs) -> Row:
    """Severity by mark, word and colour, then the fact."""
    role = SEVERITY_ROLE[finding.severity]
    row = Row(f"{glyphs.severity[finding.severity]} {finding.severity} ", role)
    return row.add(one_line(finding.title))


class FindingsPanel(Painted):
    """What was noticed, the gravest first."""

    JUMP = "findings"

    DEFAULT_CSS = "FindingsPanel { height: auto; max-height: 9; }"

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there is to say."""
        return len(self.rows(max(width, 10), 99))

    def repaint(self) -> None:
        """Paint, after making room for a new finding."""
        if len(self.rows(max(self.size.width, 10), 99)) != self.size.height:
            self.refresh(layout=True)
        super().repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading, and each finding in at most two lines."""
        state = self.tui.session.state
        found = by_severity(state) if state is not None else []
        rows = [heading("findings", f"{len(found)}   f read" if found else "", width, self.tui.glyphs)]
        if not found:
            return [*rows, Row("none", "dim")]
        for finding in found:
            lines = wrapped(finding_row(finding, self.tui.glyphs).plain, width)[:2]
            first = finding_row(finding, self.tui.glyphs)
            if len(lines) > 1:
                head = f"{self.tui.glyphs.severity[finding.severity]} {finding.severity} "
                first = Row(head, SEVERITY_ROLE[finding.severity]).add(lines[0][len(head) :])
            rows.append(first)
            rows += [Row("  ").add(line.strip()) for line in lines[1:]]
        return rows


def by_severity(state: RunState) -> list[Finding]:
    """Findings with blockers first and notes last, the newest of each first."""
    newest_first = list(reversed(state.findings))
    order = {"blocker": 0, "warning": 1, "note": 2}
    return sorted(newest_first, key=lambda finding: order[finding.severity])


class LogPanel(Painted):
    """The end of the log; of a run that failed, the worker's last words."""

    JUMP = "log"

    DEFAULT_CSS = "LogPanel { height: 1fr; min-height: 2; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading and the last lines."""
        state = self.tui.session.state
        failed = state is not None and isinstance(state.outcome, ev.Failed) and state.outcome.console
        title = "last words of the worker" if failed else "log"
        rows = [heading(title, "l all", width, self.tui.glyphs)]
        if state is None:
            return rows
        if failed:
            lines = [Row(text) for row in console_rows(state) for text in wrapped(row.plain, width)]
        else:
            lines = [row for line in state.log[-height:] for row in _folded(line, width)]
        if height > 1:
            rows += lines[-(height - 1) :] or [Row("nothing yet", "dim")]
        return rows


class LastLine(Painted):
    """The last line of the log, where there is no room for more."""

    JUMP = "log"

    DEFAULT_CSS = "LastLine { height: 1; padding: 0 1; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        state = self.tui.session.state
        if state is None:
            return []
        if isinstance(state.outcome, ev.Failed) and state.outcome.console:
            return console_rows(state)[-1:]
        return [log_row(state.log[-1])] if state.log else []


def _folded(line: ev.Log, width: int) -> list[Row]:
    """The minute, and the text in at most two lines."""
    at = time.strftime("%H:%M", time.localtime(line.t))
    first, *rest = wrapped(one_line(line.text), width - 6)
    role = LEVEL_ROLE[line.level]
    rows = [Row(f"{at} ", "dim").add(first, role)]
    return [*rows, Row(" " * 6).add(one_line(" ".join(rest), width - 6), role)] if rest else rows


def log_row(line: ev.Log) -> Row:
    """The time of day and the text."""
    at = time.strftime("%H:%M:%S", time.localtime(line.t))
    return Row(f"{at} ", "dim").add(one_line(line.text), LEVEL_ROLE[line.level])


def console_rows(state: RunState) -> list[Row]:
    """The last lines of the console of a worker that failed."""
    if not isinstance(state.outcome, ev.Failed):
        return []
    return [Row(clean(line.rstrip("\n")).expandtabs(4)) for line in state.outcome.console]
