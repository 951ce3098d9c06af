"""Row numbers for a table that does not show the whole data in its own order: filtered, or sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from engine.data.checks.check import MOST_NUMBERED
from engine.data.inspect import Inspection
from engine.inspection.losses import EMPTY, ENDLESS, TOO_LONG, refused
from engine.inspection.talk import TOKENS, Gather, Gathered

_MOST_READ: Final = 200_000
"""Rows that are read to be sorted by what a column holds; their tokens are known for any number of rows."""
_AT_ONCE: Final = 2048
_COMPARED: Final = 80
"""Characters of a text that decide about its place."""


def gathered(inspection: Inspection, wanted: Gather) -> Iterator[Gathered | None]:
    """What `wanted` asks for, after some Nones where that takes longer."""
    rows = _of_finding(inspection, wanted) if wanted.finding else None
    if not wanted.by:
        yield _answer(wanted, rows or ())
    elif wanted.by == TOKENS:
        found = inspection.numbers.by_tokens(down=wanted.down)
        chosen = None if rows is None else set(rows)
        yield _answer(wanted, found if chosen is None else [row for row in found if row in chosen])
    else:
        yield from _by_column(inspection, wanted, rows)


def _answer(wanted: Gather, rows: Sequence[int], note: str = "") -> Gathered:
    if len(rows) > MOST_NUMBERED:
        note = f"the first {MOST_NUMBERED:,} of {len(rows):,}"
    kept = list(rows[:MOST_NUMBERED])
    return Gathered(
        finding=wanted.finding, by=wanted.by, down=wanted.down, rows=kept, view=wanted.view, note=note
    )


def _of_finding(inspection: Inspection, wanted: Gather) -> Sequence[int]:
    """The rows of a finding: all where they are known by number, else its examples."""
    check, numbers = wanted.finding, inspection.numbers
    if check in (EMPTY, ENDLESS) or check.startswith(refused("")):
        return numbers.rows(check)
    if check == TOO_LONG:
        return list(islice(numbers.longer(wanted.max_length), MOST_NUMBERED))
    known = inspection.checks.numbers(check)
    if known is not None:
        return known
    found = (inspection.table.number_of(place) for place in wanted.places)
    return [number for number in found if number is not None]


def _by_column(
    inspection: Inspection, wanted: Gather, rows: Sequence[int] | None
) -> Iterator[Gathered | None]:
    whole = inspection.report().rows
    count = min(whole if rows is None else len(rows), _MOST_READ)
    keyed: list[tuple[tuple[int, Any], int]] = []
    for first in range(0, count, _AT_ONCE):
        last = min(first + _AT_ONCE, count)
        numbers = range(first, last) if rows is None else rows[first:last]
        found = inspection.table.numbered(numbers)
        keyed += [(_key(row.values.get(wanted.by)), number) for number, _, row in found]
        yield None
    keyed.sort(key=lambda pair: pair[0], reverse=wanted.down)
    note = f"of the first {count:,} rows" if rows is None and count < whole else ""
    yield _answer(wanted, [number for _, number in keyed], note)


def _key(value: object) -> tuple[int, Any]:
    """Numbers by their size, then texts, case aside; what is empty is the least."""
    if value is None or value == "":
        return 0, 0
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 2, str(value)[:_COMPARED].casefold()
    return (1, number) if number == number else (2, "nan")
