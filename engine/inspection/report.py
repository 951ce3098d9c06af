"""What an inspection has found so far, and the document that `openlora inspect --json` prints."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.findings import SEVERITIES, Finding, Patch
from engine.inspection.lengths import Lengths
from engine.inspection.losses import Losses, Places, findings_of, refused

COMPARED: Final = 1_000_000
"""Rows that are compared with one another, for near duplicates and for questions that come again: with 64
bytes for each of them, a file of 5 GB is inspected in less than 600 MB."""
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}

SANE_SHARE: Final = 1 / 3
"""Share of bad rows above which they are no accidents: the file is of another kind, or has another shape."""
DROP_THEM: Final = Patch(label="bad_rows stop -> drop", recipe={"bad_rows": "drop"})
"""What leaves out rows that would stop a run."""


class Column(msgspec.Struct):
    """What one column holds."""

    kinds: dict[str, int] = {}
    """Rows by kind of value: text, number, flag, list, object, empty."""

    def share_filled(self, rows: int) -> float:
        """The share of all rows that have a value there, 0 to 1."""
        filled = sum(count for kind, count in self.kinds.items() if kind != "empty")
        return filled / rows if rows else 0.0


class FileReport(msgspec.Struct, kw_only=True):
    """One file."""

    path: str
    size: int
    """In bytes."""
    rows: int = 0
    """Rows read so far; of a text file its lines."""
    weight: float = 1.0
    """How often an epoch draws each of them."""
    encoding: str = ""
    """Of its text, and how sure that is where it was guessed: `UTF-8`, `WINDOWS-1251 (95 % sure)`."""
    format: str | None = None
    """The shape of its rows, `text` for a text file; None where no shape fits or nothing was read yet."""


class Rejected(msgspec.Struct, kw_only=True):
    """Rows that cannot be read or that training would refuse, for one reason."""

    category: str
    what: str
    why: str
    do: str
    places: Places
    patch: Patch | None = None


class Report(msgspec.Struct, kw_only=True):
    """Everything that is known of some files of data; whole once `done`."""

    files: list[FileReport]
    columns: dict[str, Column] = {}
    shapes: dict[str, int] = {}
    """Rows by the shape that they fit, `none` for those that fit none."""
    examples: int = 0
    """What training takes of them: rows, or conversations that a mapping made of several."""
    said: list[Finding] = []
    """What is to be said of how the rows were read."""
    exact_duplicates: int = 0
    near_duplicates: int | None = None
    """Rows beyond the first of each cluster that say nearly the same, equal ones aside; None until known."""
    ignored: dict[str, list[str]] = {}
    """Columns by file that nothing is learnt from."""
    broken: list[Rejected] = []
    """What stands in the files and is no row: not counted among the rows."""
    rejected: list[Rejected] = []
    """Rows that training would refuse."""
    model: str = ""
    """The model whose tokenizer counts; empty without one."""
    without: str = ""
    """Why there are no figures of tokens; empty with a tokenizer."""
    template: str = ""
    """How conversations become text: `chat template`, `plain template`; empty where there are none."""
    max_length: int = 1024
    truncation: str = "cut"
    """What becomes of longer rows, as the recipe's field of this name says."""
    losses: Losses = msgspec.field(default_factory=Losses)
    lengths: Lengths = msgspec.field(default_factory=Lengths)
    bad_rows: str = "stop"
    """What becomes of rows that training would refuse, as the recipe's field of this name says."""
    told: list[Finding] = []
    """What was decided when the files were found and read."""
    checked: list[Finding] = []
    """What the checks of the rows' contents have found so far."""
    tokenised: int = 0
    """Rows of which the tokens are counted."""
    surveyed: float = 0.0
    """The share of the data, 0 to 1, that `rows` were counted in."""
    done: bool = False
    problem: dict[str, str] | None = None
    """What ended the inspection before the end of the data."""

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def expected(self) -> int:
        """How many rows there are in all: counted, or judged by the bytes of those that were read."""
        return round(self.rows / self.surveyed) if 0 < self.surveyed < 1 else self.rows

    @property
    def rows_per_epoch(self) -> int:
        """Rows that an epoch draws by the weights of the files; the draw itself may differ by a few."""
        return round(sum(file.rows * file.weight for file in self.files))

    @property
    def format(self) -> str | None:
        """The shape of the rows, `mixed` where files differ."""
        formats = {file.format for file in self.files if file.format}
        return "mixed" if len(formats) > 1 else next(iter(formats), None)

    @property
    def counted(self) -> bool:
        """True where there are figures of tokens."""
        return self.tokenised > 0

    @property
    def refused(self) -> int:
        """Rows that training would refuse."""
        return sum(len(reason.places) for reason in self.rejected)

    def findings(self, max_length: int) -> list[Finding]:
        """The findings at a `max_length`, the gravest and of these the most frequent first."""
        losses = self._losses(max_length)
        lost = findings_of(losses, self.ignored, max_length)
        refused = [*map(self._breakage, self.broken), *map(self._rejection, self.rejected)]
        broken = [broken_off(self.problem)] if self.problem is not None else []
        found = [*broken, *self.told, *refused, *self.said, *lost, *self.checked]
        left = self.examples - len(losses.vanished) - len(losses.dropped)
        if self.done and left <= 0:
            found.append(_nothing(self))
        found = [self._with_share(finding) for finding in found]
        return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), -(finding.share or 0)))

    def _with_share(self, finding: Finding) -> Finding:
        """The finding with its share of all rows, where it is about rows and does not say itself of which."""
        if finding.count is None or finding.share is not None or not self.rows:
            return finding
        return msgspec.structs.replace(finding, share=min(finding.count / self.rows, 1.0))

    def _losses(self, max_length: int) -> Losses:
        """What is lost at a `max_length`."""
        if max_length == self.max_length:
            return self.losses
        return self.lengths.losses(max_length, self.losses, self.truncation)

    def _breakage(self, reason: Rejected) -> Finding:
        noun = "row" if len(reason.places) == 1 else "rows"
        return self._bad(reason, f"{len(reason.places):,} {noun} cannot be read: {reason.what}")

    def _rejection(self, reason: Rejected) -> Finding:
        noun = "row is" if len(reason.places) == 1 else "rows are"
        return self._bad(reason, f"{len(reason.places):,} {noun} refused: {reason.what}")

    def _bad(self, reason: Rejected, title: str) -> Finding:
        """Rows that stop a run; where the recipe drops them, and they are few enough for it, a warning."""
        bad = self.refused
        few = bad <= SANE_SHARE * self.rows
        dropped = few and self.bad_rows == "drop"
        patch = DROP_THEM if few and self.bad_rows == "stop" else None
        return msgspec.convert(
            {
                "category": reason.category,
                "severity": "warning" if dropped else "blocker",
                "title": f"{title} (left out)" if dropped else title,
                "count": len(reason.places),
                "places": reason.places.first,
                "evidence": reason.places.told,
                "cause": reason.why,
                "remedy": reason.do,
                "check": refused(reason.what),
                "patch": reason.patch or patch,
            },
            Finding,
        )

    def quantiles(self, max_length: int) -> dict[str, int]:
        """`p50`, `p95`, `p99` and `max` of the tokens of a row."""
        values = self.lengths.quantiles(list(_QUANTILES.values()), max_length)
        return dict(zip(_QUANTILES, values, strict=True))

    @property
    def notes(self) -> list[str]:
        """What was not looked at, and why."""
        notes = [self.without] if self.without else []
        if self.rows > COMPARED:
            notes.append(f"Rows were compared with one another among the first {COMPARED:,} only.")
        return notes

    def document(self, max_length: int) -> dict[str, Any]:
        """The stable keys of `openlora inspect --json`, and a few beside them."""
        lengths, counted, losses = self.lengths, self.counted, self._losses(max_length)
        tokens = {"total": lengths.total, **self.quantiles(max_length)} if counted else None
        return {
            "rows": self.rows,
            "rows_per_epoch": self.rows_per_epoch,
            "format": self.format,
            "shapes": self.shapes,
            "examples": self.examples,
            "columns": {name: self._column(column) for name, column in self.columns.items()},
            "exact_duplicates": self.exact_duplicates,
            "near_duplicates": self.near_duplicates,
            "tokens": tokens,
            "truncated_rows": lengths.truncated_rows(max_length) if counted else None,
            "truncated_answer_tokens": losses.truncated_answer_tokens if counted else None,
            "fully_masked_rows": len(losses.vanished) if counted else None,
            "dropped_rows": len(losses.dropped) if counted else None,
            "empty_rows": len(self.losses.empty),
            "rejected_rows": self.refused,
            "broken_rows": sum(len(reason.places) for reason in self.broken),
            "sampled": False if self.done or not counted else self.tokenised,
            "max_length": max_length,
            "model": self.model or None,
            "files": self.files,
            "findings": self.findings(max_length),
            "notes": self.notes,
        }

    def _column(self, column: Column) -> dict[str, Any]:
        return {"kinds": column.kinds, "filled": round(column.share_filled(self.rows), 4)}


def _nothing(report: Report) -> Finding:
    return Finding(
        category="empty_or_tiny_dataset",
        severity="blocker",
        title="There is nothing to learn from.",
        evidence=[file.path for file in report.files],
        cause="No row is left whose answer could be learnt." if report.rows else "The files hold no rows.",
        remedy="Check the files.",
    )


def broken_off(problem: dict[str, str]) -> Finding:
    """The problem that ended an inspection before the end of the data."""
    return Finding(
        category="dataset_encoding_or_parse",
        severity="blocker",
        title=problem.get("what", ""),
        evidence=[problem["where"]] if problem.get("where") else [],
        cause=problem.get("why", ""),
        remedy=problem.get("do", ""),
    )
