"""Columns that hold several kinds of values, are missing in a few rows, or hold nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.findings import Finding
from engine.inspection.report import Column, Report
from engine.text import one_line

_WORDS: Final = "input context system history tools weight tool_calls title"
"""Columns that the usual formats leave out or empty wherever they are not needed."""
_OPTIONAL: Final = frozenset(_WORDS.split())
_FEW: Final = 0.05
"""Share of rows without a column up to which it is a slip; beyond that it need not be there."""
_ROWS: Final = 10
_LISTED: Final = 8
MIXED, MISSING, EMPTY = "mixed_columns", "missing_columns", "empty_columns"


def column_findings(report: Report) -> Iterator[Finding]:
    """What the kinds of values say, of the columns that something is learnt from."""
    unused = {name for names in report.ignored.values() for name in names}
    rows = report.rows
    used = {name: column for name, column in report.columns.items() if name not in unused | _OPTIONAL}
    if report.format in (None, "text", "mixed") or rows < _ROWS:
        return
    mixed = [f"{one_line(name, 40)}: {_kinds(column)}" for name, column in used.items() if _is_mixed(column)]
    if mixed:
        yield _told(
            MIXED,
            _many(mixed, "{} holds values of several kinds", "{} columns hold values of several kinds"),
            mixed,
            "Numbers are learnt as their digits; a list in the place of a text is mostly a mistake.",
            "Make all values of a column the same kind.",
        )
    missing = [
        f"{one_line(name, 40)}: not in {lacking:,} of {rows:,} rows"
        for name, column in used.items()
        if 0 < (lacking := rows - sum(column.kinds.values())) <= _FEW * rows
    ]
    if missing:
        yield _told(
            MISSING,
            _many(missing, "{} is missing in a few rows", "{} columns are missing in a few rows"),
            missing,
            "Nearly all rows have the column.",
            "Check how these rows were written.",
        )
    empty = [one_line(name, 40) for name, column in used.items() if set(column.kinds) == {"empty"}]
    if empty:
        yield _told(
            EMPTY,
            _many(empty, "{} is empty in every row", "{} columns are empty in every row"),
            empty,
            "Its name says that something is learnt from it.",
            "Check that it is the right column, or name another in the recipe's mapping.",
        )


def _is_mixed(column: Column) -> bool:
    return len(column.kinds.keys() - {"empty"}) > 1


def _kinds(column: Column) -> str:
    counts = sorted(column.kinds.items(), key=lambda each: -each[1])
    return ", ".join(f"{kind} in {count:,} rows" for kind, count in counts if kind != "empty")


def _many(columns: list[str], one: str, many: str) -> str:
    if len(columns) == 1:
        return one.format(f"The column {columns[0].partition(':')[0]}")
    return many.format(len(columns))


def _told(check: str, title: str, evidence: list[str], cause: str, remedy: str) -> Finding:
    return Finding(
        category="dataset_format",
        severity="note",
        title=title,
        evidence=evidence[:_LISTED],
        cause=cause,
        remedy=remedy,
        check=check,
    )
