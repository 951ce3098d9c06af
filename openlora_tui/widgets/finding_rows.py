"""Findings of data as rows: one in a list, and where in the data its rows lie."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from msgspec.structs import replace

from engine.findings import Finding, Patch
from engine.text import one_line
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_BAR = 4
_LABEL = 10
_ROOMY = 70
"""Cells from which on a list has room for bars."""
STRIP = 10
"""Cells of the strip before a finding: its bar, and its share in figures."""


def listed(finding: Finding, glyphs: Glyphs, *, aside: bool = False) -> Row:
    """Severity by mark, word and colour, the share of the rows, then the fact."""
    role = "faint" if aside else SEVERITY_ROLE[finding.severity]
    word = "aside" if aside else finding.severity
    row = Row(f"{glyphs.severity[finding.severity]} {word}".ljust(10), role)
    return row.join(strip(finding, glyphs, role)).add(one_line(finding.title), "dim" if aside else "text")


def in_two_lines(finding: Finding, width: int, glyphs: Glyphs) -> list[Row]:
    """The same where there may be less room: the strip goes first, then the fact."""
    head = listed(replace(finding, title=""), glyphs)
    if width < _ROOMY:
        head = Row(
            f"{glyphs.severity[finding.severity]} {finding.severity} ", SEVERITY_ROLE[finding.severity]
        )
        head.add(f"{percent(finding.share)}  " if finding.share is not None else "", "dim")
    indent = head.width if width >= _ROOMY else 2
    title = one_line(finding.title)
    first, *rest = wrapped(title, width - head.width)
    more = wrapped(title[len(first) :].lstrip(), width - indent)[:1] if rest else []
    return [head.add(first), *(Row(" " * indent).add(line) for line in more)]


def strip(finding: Finding, glyphs: Glyphs, role: str) -> Row:
    """The share of the rows as a bar and in per cent; blank for what is not about rows."""
    if finding.share is None:
        return Row(" " * (STRIP + 1))
    row = Row(bar(finding.share, _BAR, glyphs), role)
    return row.to(_BAR).add(percent(finding.share).rjust(STRIP - _BAR), "dim").add(" ")


def percent(share: float) -> str:
    """A share of the rows in per cent; what is there at all is never `0 %`."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f} %" if share < 0.1 and share else f"{int(share * 100)} %"


def bar(share: float, width: int, glyphs: Glyphs) -> str:
    """A bar of eighths; at least one eighth for what is there at all."""
    eighths = max(round(min(share, 1) * width * 8), 1 if share else 0)
    return (glyphs.blocks[8] * (eighths // 8) + glyphs.blocks[eighths % 8]).rstrip()


def lie(rows: Sequence[int], whole: int, width: int, glyphs: Glyphs) -> str:
    """Where among `whole` rows some lie: a chart of `width` cells, blank where there are none."""
    counts = [0] * width
    for row in rows:
        counts[min(row * width // max(whole, 1), width - 1)] += 1
    most, top = max(counts, default=0) or 1, len(glyphs.levels) - 1
    return "".join(glyphs.levels[-(-count * top // most)] if count else " " for count in counts)


def told(finding: Finding, where: list[Row], key: str, width: int) -> list[Row]:
    """Everything that a finding of data says; `where` its rows lie, and `key` applies its patch."""
    role = SEVERITY_ROLE[finding.severity]
    head = Row(finding.severity, f"bold {role}").add(f"  {finding.category.replace('_', ' ')}", "dim")
    if finding.confidence < 1:
        head.add(f"  {percent(finding.confidence)} sure", "dim")
    rows = [head, *(Row(line, "bright") for line in wrapped(finding.title, width)), Row()]
    rows += where
    rows += [*_labelled("cause", finding.cause, width), *_labelled("remedy", finding.remedy, width)]
    if finding.patch is not None:
        rows += _patch(finding.patch, key, width)
    return rows + _labelled("evidence", "\n".join(finding.evidence), width)


def _labelled(label: str, text: str, width: int, role: str = "text") -> list[Row]:
    """A label and its text beside it; nothing without a text."""
    lines = wrapped(text, width - _LABEL) if text else []
    rows = [Row(label.ljust(_LABEL), "dim").add(line, role) for line in lines[:1]]
    return rows + [Row(" " * _LABEL).add(line, role) for line in lines[1:]]


def _patch(patch: Patch, key: str, width: int) -> list[Row]:
    """What the patch changes, and for data the words that do the same in a shell."""
    kind = "writes a new dataset" if patch.data else "changes the recipe"
    line = Row("patch".ljust(_LABEL), "dim").add(key, "bold accent")
    rows = [line.add(f" {one_line(patch.label)}", "bright").add(f"   {kind}", "dim")]
    if not patch.data:
        return rows
    words = " ".join(f"--apply {shlex.quote(one_line(word))}" for word in patch.data)
    return rows + _labelled("", f"openlora inspect DATA {words} -o NEW.jsonl", width, "dim")
