"""Rows that cannot be learnt from: the first one stops a run, or all of them are left out and kept apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from engine import atomic
from engine.data.examples import Examples
from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.findings import Finding
from engine.inspection.losses import Places, counted
from engine.inspection.report import DROP_THEM, SANE_SHARE, Rejected
from engine.recipe.recipe import Recipe
from engine.sources.resolve import Sources
from engine.text import sayable

Keep = Callable[[Refusal, str, str], None]
"""Is given a bad row: why, its `file:line`, and its text."""

NAME: Final = "rejects.jsonl"
"""The file's name in the directory of a run."""
DROP: Final = "drop"
_HOPELESS: Final = 32
"""Bad rows in a row from the first one on, after which nothing else is expected."""
_RAW: Final = 10_000
"""Characters of a row that are kept."""
_REASONS: Final = 5
_CLOCK_EVERY: Final = 256
_MOST_REASONS: Final = 50


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What the bad rows of some data came to."""

    good: int
    places: Places
    reasons: dict[str, int]


class Rejects:
    """Takes the bad rows of some data.

    Args:
        drop: leave them out; else the first one is raised.
        keep: is given each with its place and its text.
    """

    def __init__(self, *, drop: bool, keep: Keep | None = None) -> None:
        self.good = 0
        """Rows that are none, as far as they were counted by whoever reads them."""
        self.places = Places()
        self.stopped: Refusal | None = None
        """What was raised."""
        self._drop, self._keep = drop, keep
        self._reasons: dict[str, int] = {}
        self._first: Refusal | None = None

    def bad(self, refusal: Refusal) -> None:
        """A row that cannot be read; raises the refusal unless such rows are dropped."""
        self._take(refusal, refusal.where, refusal.raw)

    def refuse(self, row: Row, refusal: Refusal) -> None:
        """A row that was read and cannot be learnt from; raises the refusal unless such rows are dropped."""
        if not self._drop:
            self._stop(refusal)
        self._take(refusal, row.where, text_of(row))

    def judge(self) -> None:
        """Raise where the bad rows are too many to be left out."""
        count = len(self.places)
        if self._first is None or count <= SANE_SHARE * (count + self.good):
            return
        raise self._too_many(f"{count:,} of {count + self.good:,} rows are bad.")

    def finding(self, kept: Path | None) -> Finding | None:
        """What was left out, and where it is kept; None where nothing was."""
        count = len(self.places)
        if not count:
            return None
        share = count / (count + self.good)
        most = sorted(self._reasons.items(), key=lambda item: -item[1])
        return Finding(
            category="dataset_format",
            severity="warning",
            title=f"{counted(count)} left out that cannot be learnt from ({share:.2%} of all)",
            evidence=[f"{rows:,}: {what}" for what, rows in most[:_REASONS]] + self.places.told,
            cause="bad_rows is drop.",
            remedy=f"They are kept in {kept}." if kept is not None else "",
            count=count,
            share=share,
            places=self.places.first,
        )

    @property
    def summary(self) -> Summary:
        """All that the finding is made of."""
        return Summary(good=self.good, places=self.places, reasons=self._reasons)

    def recall(self, summary: Summary) -> None:
        """Be as after the rows of which `summary` tells."""
        self.good, self.places, self._reasons = summary.good, summary.places, summary.reasons

    def _take(self, refusal: Refusal, where: str, raw: str) -> None:
        if not self._drop:
            self._stop(refusal)
        self._first = self._first or refusal
        self.places.add(where)
        self._reasons[refusal.what] = self._reasons.get(refusal.what, 0) + 1
        if self._keep is not None:
            self._keep(refusal, where, raw)
        if not self.good and len(self.places) >= _HOPELESS:
            raise self._too_many(f"The first {len(self.places):,} rows are all bad.")

    def _stop(self, refusal: Refusal) -> None:
        self.stopped = refusal
        raise refusal

    def _too_many(self, what: str) -> Refusal:
        assert self._first is not None
        first = self._first
        return Refusal(
            first.category,
            what,
            where=first.where,
            why=f"{first.what} {first.why}".strip(),
            do=first.do or "Check that the file is what its name says.",
        )


class Kept:
    """The file that keeps bad rows, a JSON object a line; there is none where there are no such rows."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stack = ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
        if self._file is None and self._path is not None:
            self._path.unlink(missing_ok=True)  # it would be of another time

    def keep(self, refusal: Refusal, where: str, raw: str) -> None:
        """Write one down."""
        if self._path is None:
            return
        name, _, line = where.rpartition(":")
        raw = raw.rstrip("\r\n").encode("utf-8", "backslashreplace").decode()
        kept = {
            "file": name,
            "line": int(line) if line.isdigit() else None,
            "reason": refusal.what,
            "why": refusal.why,
            "raw": raw[:_RAW],
            "cut": len(raw) > _RAW,
        }
        self.write(msgspec.json.encode(sayable(kept)) + b"\n")

    def write(self, lines: bytes) -> None:
        """Add whole lines of such a file."""
        if self._path is None or not lines:
            return
        if self._file is None:
            self._file = self._stack.enter_context(atomic.stream(self._path))
        self._file.write(lines)


def how_many(first: Refusal, sources: Sources, recipe: Recipe, seconds: float = 2.0) -> None:
    """Add to the refusal that stops a run how many more there are, and what would leave them out.

    What a chat template would refuse is not counted: that takes too long.
    """
    end = time.monotonic() + seconds
    rest = Rejects(drop=True)
    whole = True
    try:
        for source in sources.files:
            whole = whole and _count(source.path, rest, recipe, end)
        rest.judge()
    except Refusal:
        return  # more than should be left out
    count, rows = len(rest.places), len(rest.places) + rest.good
    if count > 1:
        among = f"{rows:,} rows" if whole else f"the first {rows:,} rows"
        first.why = f"{first.why} {count - 1:,} more of {among} cannot be learnt from either.".strip()
    first.do = f"{first.do} Or set bad_rows: {DROP}, which leaves them out and keeps them in {NAME}.".strip()
    first.patch = first.patch or DROP_THEM


def _count(path: Path, rest: Rejects, recipe: Recipe, end: float) -> bool:
    """Count good and bad rows of a file; False where there was no time for all of them."""
    rows = read_rows(path, bad=rest.bad)
    examples = Examples(recipe.data_format, recipe.mapping, pairs=recipe.paired)
    for number, (row, example) in enumerate(examples.all(rows)):
        if number % _CLOCK_EVERY == 0 and time.monotonic() > end:
            return False
        if isinstance(example, Refusal):
            rest.refuse(row, example)
        else:
            rest.good += 1
    return True


def count_reason(reasons: list[Rejected], refusal: Refusal, where: str, found: Rejected | None) -> None:
    """Count a row under its reason; `found` is where rows of that reason are counted already."""
    if found is None and len(reasons) >= _MOST_REASONS:
        found = reasons[-1]
    if found is None:
        found = Rejected(
            category=refusal.category,
            what=refusal.what,
            why=refusal.why,
            do=refusal.do,
            places=Places(),
            patch=refusal.patch,
        )
        reasons.append(found)
    found.places.add(where)


def text_of(row: Row) -> str:
    """A row that was read, as text."""
    try:
        return msgspec.json.encode(row.values).decode()
    except (TypeError, ValueError, RecursionError):
        return repr(row.values)[: _RAW + 1]
