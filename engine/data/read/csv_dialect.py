"""How a CSV or TSV file is written: what parts its fields, how it quotes, and where its columns are named."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from engine.data.read.complaints import LINE_BYTES
from engine.data.read.lines import lines
from engine.data.read.source import Source
from engine.data.refusal import Refusal, passed_over
from engine.data.row import MOST_COLUMNS, listed, too_wide

_SAMPLE: Final = 200
"""Lines that a dialect is told by."""
_SAMPLE_TEXT: Final = 1 << 18
_TITLES: Final = 5
"""Lines above the names of the columns, at most, that are titles of the table."""
_LONGEST_NAME: Final = 120
"""Characters of a column's name; above, the first line is a row."""


class Dialect(msgspec.Struct, frozen=True):
    """What `csv.reader` is told."""

    delimiter: str
    quoting: int = csv.QUOTE_MINIMAL
    escape: str | None = None
    """Before a quote within quotes, where it is not written twice."""

    def options(self) -> dict[str, Any]:
        """For `csv.reader`."""
        return {
            "delimiter": self.delimiter,
            "quoting": self.quoting,
            "escapechar": self.escape,
            "doublequote": self.escape is None,
            "strict": True,
        }


class Header(msgspec.Struct, frozen=True):
    """The columns and where they are named."""

    dialect: Dialect
    columns: list[str]
    unnamed: frozenset[str]
    """Those that the file gives no name."""
    records: int
    """Records before the first row, blank ones aside."""


def header_of(source: Source, *, tabs: bool) -> Header | None:
    """What the first lines tell; found out once, None for a file without any. Told beside: `Source.remarks`.

    Raises:
        Refusal: two columns have one name, or there are thousands.
    """
    if source.layout is None:
        source.layout = _found(source, tabs)
    assert source.layout is None or isinstance(source.layout, Header)
    return source.layout


def _found(source: Source, tabs: bool) -> Header | None:
    csv.field_size_limit(LINE_BYTES)
    sample, size = [], 0
    for here, line in islice(lines(source, bad=passed_over), _SAMPLE):
        sample.append((here.line, line))
        size += len(line)
        if size > _SAMPLE_TEXT:
            break
    if not sample:
        return None
    named = sample[0][1].strip().lower().strip('"')
    if named.startswith("sep=") and len(named) == 5:  # for spreadsheets
        return _header(source, Dialect(named[4]), sample, 1)
    dialects = [*map(Dialect, "\t,;|" if tabs else ",\t;|")]
    if any('\\"' in line for _, line in sample):
        dialects += [Dialect(",", escape="\\"), Dialect(";", escape="\\")]
    dialects.append(Dialect("\t", csv.QUOTE_NONE))
    best = max(dialects, key=lambda dialect: _fitness(dialect, [line for _, line in sample]))
    return _header(source, best, sample, 0)


def records_of(dialect: Dialect, text: Sequence[str]) -> Iterator[list[str] | None]:
    """The records of some lines that are not blank; None for one that cannot be parsed."""
    reader = csv.reader(iter(text), **dialect.options())
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None
            continue
        if any(field.strip() for field in fields):
            yield fields


def _fitness(dialect: Dialect, text: list[str]) -> tuple[float, int]:
    """The share of records that are as wide as most, where that is more than one column; the width."""
    found = list(records_of(dialect, text))
    if len(found) > 1 and len(text) >= _SAMPLE and found[-1] is None:
        found.pop()  # it goes on behind the sample
    widths = Counter(len(fields) for fields in found if fields)
    width = _width(widths)
    return (widths[width] / len(found), width) if width > 1 else (0.0, 0)


def _width(widths: Counter[int]) -> int:
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _header(source: Source, dialect: Dialect, sample: list[tuple[int, str]], above: int) -> Header | None:
    found = [fields for fields in records_of(dialect, [line for _, line in sample[above:]]) if fields]
    if not found:
        return None
    width = _width(Counter(map(len, found)))
    titles = 0
    while width > 1 and titles < min(_TITLES, len(found) - 1) and _is_title(found[titles], width):
        titles += 1
    first = found[titles]
    line = sample[above][0]
    if titles:
        lines_ = "The first line is a title" if titles == 1 else f"The first {titles} lines are titles"
        source.remarks.append(f"{lines_} above the table, passed over")
    if not _are_names(first):
        source.remarks.append(
            "The first line holds values and no names: the columns are called column_1, column_2 …"
        )
        first, titles = [""] * width, titles - 1
    return _named(source, line, dialect, first, above + titles + 1)


def _is_title(fields: list[str], width: int) -> bool:
    filled = sum(1 for field in fields if field.strip())
    return filled == 1 and (width > 2 or len(fields) == 1)


def _are_names(fields: list[str]) -> bool:
    """False where the fields of the first record are values: numbers, or longer than a name is."""
    filled = [field.strip() for field in fields if field.strip()]
    if filled == [str(number) for number in range(len(filled))]:
        return True  # as data frames without names are written
    return not any(_is_number(field) or len(field) > _LONGEST_NAME for field in filled)


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return field.lower().strip("+-") not in ("nan", "inf", "infinity")


def _named(source: Source, line: int, dialect: Dialect, fields: list[str], records: int) -> Header:
    names = [field.strip().lower() for field in fields]
    if len(names) > MOST_COLUMNS:
        raise too_wide(source.path, line, len(names))
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        raise Refusal(
            "dataset_format",
            f"Two columns have the same name: {listed(repr(name) for name in twice)}.",
            where=f"{source.path}:{line}",
            do="Give every column a name of its own in the first line.",
        )
    columns = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    unnamed = {column for column, name in zip(columns, names, strict=True) if not name}
    return Header(
        dialect, columns, frozenset() if len(unnamed) == len(names) else frozenset(unnamed), records
    )
