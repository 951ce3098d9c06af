"""The parts of the Data screen beside its table: the head, lengths, columns, findings and the row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.findings import Finding
from engine.inspection.lengths import histogram
from engine.inspection.report import Report
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.inspecting import Inspecting
from openlora_tui.widgets.finding_rows import in_two_lines
from openlora_tui.widgets.machine import heading
from openlora_tui.widgets.mask import facts_row, mask_rows, value_rows
from openlora_tui.widgets.painted import Painted, Row, between, fitting
from openlora_tui.widgets.wrap import wrapped

_TAIL: Final = 1.15
"""How far beyond the 99th percentile, or max_length, the lengths are drawn; the rest is the last bar."""


class DataPanel(Painted):
    """A part that shows the inspection `about` gives."""

    def __init__(self, about: Inspecting, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.about = about


class _Growing(DataPanel):
    """A part that is as high as what it says, unless the style sheet gives it a height."""

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there is to say."""
        return len(self.rows(max(width, 10), 99))

    def repaint(self) -> None:
        """Paint, after making room for a new row."""
        height = self.styles.height
        if height is not None and height.is_auto and self._wanted() != self.size.height:
            self.refresh(layout=True)
        super().repaint()

    def _wanted(self) -> int:
        return len(self.rows(max(self.size.width, 10), 99))


class DataHead(DataPanel):
    """The data in two lines: what it is, and what becomes of it at this max_length."""

    DEFAULT_CSS = "DataHead { height: 2; padding: 0 1; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """Two rows; nothing while there is no data."""
        spec, report = self.about.spec, self.about.report
        if spec is None:
            return []
        names = Row(one_line(_names(spec.files)), "bright")
        if spec.eval_files:
            names.add(" against ", "dim").add(one_line(_names(spec.eval_files)))
        if report is None:
            return [between(names, Row("being read", "dim"), width)]
        shape = Row(_shape(report), "text" if report.format else "bad") if report.rows else Row()
        parts = [names, _rows(report), shape]
        if report.rows and report.format is None:
            key = self.tui.facts().key("map_columns")
            parts.append(Row(key, "bold accent").add(" maps the columns", "dim"))
        parts.append(Row(figures.size(sum(file.size for file in report.files)), "dim"))
        return [
            between(fitting(parts, "   ", width - 12), self._progress(report), width),
            self._losses(report, width),
        ]

    def _progress(self, report: Report) -> Row:
        if self.about.problem is not None:
            return Row("broken off", "bold bad")
        if self.about.mending is not None:
            return Row(f"writing {figures.percent(self.about.mending.share)}", "accent")
        if report.done:
            return Row("all read", "dim")
        return Row(f"read {figures.percent(self.about.share)}", "accent")

    def _losses(self, report: Report, width: int) -> Row:
        about = self.about
        found = about.heeded
        worst = finding_count(found, self.tui.glyphs)
        length = Row("max_length ", "dim").add(f"{about.max_length:,}")
        if about.spec is not None and about.max_length != about.spec.max_length:
            length = Row("max_length ", "dim").add(f"{about.max_length:,}", "accent")
            length.add(f" was {about.spec.max_length:,}", "dim")
        if about.lengths is None:
            why = report.without or ("" if report.done else "tokens are not counted yet")
            return fitting([length, *([worst] if found else []), Row(one_line(why), "dim")], "   ", width)
        losses = about.losses
        cut = losses.truncated_rows if losses is not None else 0
        some = "" if report.done else f" of {report.tokenised:,}"
        parts = [length, Row(f"{cut:,}{some} rows cut", "warn" if cut else "ok")]
        values = report.quantiles(about.max_length)
        for name in ("p50", "p95", "max"):
            parts.append(Row(f"{name} ", "dim").add(f"{values[name]:,}"))
        if found:
            parts.insert(2, worst)
        parts.append(Row(one_line(Path(report.model).name), "dim"))
        return fitting(parts, "   ", width)


def finding_count(found: list[Finding], glyphs: Glyphs) -> Row:
    """How many findings there are, by the gravest."""
    if not found:
        return Row("no findings", "dim")
    gravest = found[0].severity
    count = sum(1 for finding in found if finding.severity == gravest)
    role = SEVERITY_ROLE[gravest]
    return Row(f"{glyphs.severity[gravest]} {count} {gravest}{'s' if count > 1 else ''}", role)


class LengthsPanel(DataPanel):
    """Rows by their tokens, with a line at max_length."""

    DEFAULT_CSS = "LengthsPanel { height: 9; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading, bars, an axis, and what the line cuts off."""
        about, glyphs = self.about, self.tui.glyphs
        lengths, report = about.lengths, about.report
        rows = [heading("lengths", "tokens of a row", width, glyphs)]
        if lengths is None or report is None:
            why = report.without if report is not None else ""
            return [*rows, *(Row(line, "dim") for line in wrapped(why or "No token is counted yet.", width))]
        counts = lengths.counts(about.max_length)
        values = report.quantiles(about.max_length)
        most = values["max"]
        line_in_view = about.max_length if about.max_length <= most else 0
        reach = min(int(max(values["p99"], line_in_view) * _TAIL) + 1, max(most, line_in_view, 8))
        bars = histogram(counts, width, reach)
        line = about.max_length // bars.step
        tall = max(height - 3, 1)
        rows += _bars(bars.bars, line, tall, width, glyphs)
        rows.append(_axis(reach, line, about.max_length, most, min(len(bars.bars), width)))
        rows.append(self._lost(width))
        return rows

    def _lost(self, width: int) -> Row:
        losses = self.about.losses
        if losses is None or not losses.truncated_rows:
            whole = (
                "Nothing is cut: every row fits." if self.about.lengths and self.about.lengths.rows else ""
            )
            return Row(whole or "Texts longer than a window are learnt in several.", "dim")
        parts = [
            Row(f"{losses.truncated_rows:,} rows cut", "warn"),
            Row(f"{losses.truncated_answer_tokens:,} trained tokens lost", "warn"),
            Row(f"{len(losses.vanished):,} rows left with nothing", "bad") if losses.vanished else Row(),
        ]
        return fitting([part for part in parts if part.width], "   ", width)


def _bars(bars: list[int], line: int, tall: int, width: int, glyphs: Glyphs) -> list[Row]:
    """Columns of eighths, the highest first; those beyond the line are what is cut."""
    highest = max(bars, default=0) or 1
    steps = len(glyphs.levels)
    heights = [-(-count * tall * steps // highest) for count in bars]
    rows = []
    for level in range(tall - 1, -1, -1):
        row = Row()
        for at in range(width):
            if at == line and (at >= len(heights) or heights[at] <= level * steps):
                row.add(glyphs.dashed_wall, "warn")
                continue
            part = min(max((heights[at] if at < len(heights) else 0) - level * steps, 0), steps)
            row.add(glyphs.levels[part - 1] if part else " ", "warn" if at >= line else "chart-train")
        rows.append(row)
    return rows


def _axis(reach: int, line: int, max_length: int, most: int, width: int) -> Row:
    """The scale under bars that take `width` cells, with max_length at its line where that is in view."""
    end = f"{reach:,}{'+' if most > reach else ''}"
    label = f"{max_length:,}"
    row = Row("1", "dim")
    if line < width and len(label) + 2 <= width:
        at = min(max(line - len(label) // 2, 2), width - len(label))
        row.to(at).add(label, "warn")
    if row.width + 1 + len(end) <= width:
        row.to(width - len(end)).add(end, "dim")
    return row


class ColumnsPanel(_Growing):
    """The columns with what they hold, and what is wrong with rows as a whole."""

    DEFAULT_CSS = "ColumnsPanel { height: auto; max-height: 12; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """A row for each column, then the counts."""
        report = self.about.report
        rows = [heading("columns", _shape(report) if report is not None else "", width, self.tui.glyphs)]
        if report is None:
            return rows
        unused = {name for names in report.ignored.values() for name in names}
        size = max((len(one_line(name)) for name in report.columns), default=0)
        for name, column in report.columns.items():
            kinds = ", ".join(kind for kind in column.kinds if kind != "empty") or "empty"
            filled = column.share_filled(report.rows)
            row = Row(one_line(name).ljust(min(size, width // 2)), "dim" if name in unused else "text")
            row.add(f"  {kinds}", "dim")
            note = Row("not used  ", "dim") if name in unused else Row()
            share = Row(f"{figures.percent(filled)} filled", "dim" if filled == 1 else "warn")
            rows.append(between(row, note.join(share), width))
        rows.append(self._counts(report, width))
        return rows

    def _counts(self, report: Report, width: int) -> Row:
        counts = (
            (report.exact_duplicates, "exact duplicate" + "s" * (report.exact_duplicates != 1), "warn"),
            (len(report.losses.empty), "without an answer", "warn"),
            (report.refused, "refused", "bad"),
        )
        parts = [Row(f"{count:,} {what}", role if count else "dim") for count, what, role in counts]
        return fitting(parts, "   ", width)


class DataFindings(_Growing):
    """The findings, each in at most two lines."""

    JUMP = "data_findings"
    DEFAULT_CSS = "DataFindings { height: auto; max-height: 10; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading, then the gravest first, as many as have room."""
        found, key = self.about.heeded, self.tui.facts().key("data_findings")
        rows = [heading("findings", f"{len(found)}   {key} read" if found else "", width, self.tui.glyphs)]
        if not found:
            return [*rows, Row(_nothing_found(self.about.report), "dim")]
        for number, finding in enumerate(found):
            told = in_two_lines(finding, width, self.tui.glyphs)
            rest = len(found) - number
            if (rest > 1 and len(rows) + len(told) >= height) or len(rows) + len(told) > height:
                return [*rows, Row("  ").add(f"and {rest:,} more", "dim")]
            rows += told
        return rows

    def on_click(self) -> None:
        """Read them."""
        self.tui.action_do("data_findings")


def _nothing_found(report: Report | None) -> str:
    """How sure it is that there is nothing: what none of n rows has, at most 3 in n have (95 %)."""
    if report is None or report.surveyed >= 1 or not report.rows:
        return "none"
    return f"none in {report.rows:,} rows: fewer than 1 in {max(report.rows // 3, 1):,} have any"


class RowPanel(DataPanel):
    """The row under the cursor as the model sees it; its values where there is no tokenizer."""

    DEFAULT_CSS = "RowPanel { height: 1fr; }"

    def __init__(self, about: Inspecting, row: Callable[[], int], *, id: str | None = None) -> None:
        super().__init__(about, id=id)
        self._row = row

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading, facts, then as much text as fits."""
        about, glyphs = self.about, self.tui.glyphs
        number, key = self._row(), self.tui.facts().key("read_row")
        if not about.count:
            return []
        rows = [heading(f"row {number + 1:,}", f"{key} read", width, glyphs)]
        shown = about.shown
        if shown is None or shown.row != number:
            return [*rows, Row(glyphs.ellipsis, "faint")]
        text = mask_rows(shown, width, glyphs, height) if shown.pieces else value_rows(shown, width)
        rows += [facts_row(shown, glyphs).cut(width, glyphs.ellipsis), *text]
        if len(rows) > height:
            rows = [*rows[: height - 1], Row("  ").add(f"{glyphs.ellipsis} {key} shows all", "dim")]
        return rows


def _names(files: list[str]) -> str:
    first = Path(files[0]).name if files else ""
    return first if len(files) < 2 else f"{first} and {len(files) - 1} more"


def _rows(report: Report) -> Row:
    """How many rows; of a sample, which part of what is expected in all."""
    if report.surveyed >= 1 or report.done or not report.surveyed:
        return Row(f"{report.rows:,} rows")
    return Row(f"first {report.rows:,} of about {figures.short(report.expected)} rows", "accent")


def _shape(report: Report) -> str:
    if report.format is None:
        return "no shape fits" if report.rows else ""
    return f"{report.format} → {report.template}" if report.template else report.format
