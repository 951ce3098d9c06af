"""What all rows ask and how they are answered: classes that are rare, and questions with several answers."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from engine.data.checks.check import Back
from engine.data.checks.personal.redact import redact
from engine.data.checks.seen import Seen, seen
from engine.data.row import Row
from engine.data.shapes import Example
from engine.findings import Finding, Patch
from engine.inspection.losses import counted
from engine.inspection.report import COMPARED
from engine.text import one_line

if TYPE_CHECKING:
    from engine.data.likeness.repeats import Repeats

CONFLICTS: Final = "conflict"
IMBALANCE: Final = "imbalance"
ASKED_TWICE: Final = "asked_twice"
_LABEL: Final = 64
"""Characters of the longest answer that may name a class."""
_CLASSES: Final = 1000
_KINDS: Final = 0.2
"""Share of rows above which answers are too many to be classes: the rule of the hub's dataset viewer."""
_FEWEST: Final = 20
"""Rows below which shares say nothing."""
_RARE: Final = 0.1
"""Share of an equal part below which a class is rare: the rule of cleanlab's Datalab."""
_OFTEN: Final = 0.01
_FEW: Final = 10
"""Rows (or this share of all) that may ask the same; what more ask is what all the data is about."""
_MANY: Final = 0.01
"""Share of rows that ask what others ask, from which on a random hold-out is no measure."""
Read = tuple[Row, Example | None]
_SHOWN: Final = 5
_QUOTED: Final = 40


class Prompts:
    """Sixteen bytes a row, and the names of the classes where there are classes."""

    def __init__(self, back: Back) -> None:
        self._back = back
        self._prompts, self._answers, self._numbers = array("q"), array("q"), array("Q")
        self._classes: Counter[str] | None = Counter()
        """Answers and their rows; None where they are no names of classes."""
        self._columns: list[str] = []
        """Columns that have held the answer of every row so far."""
        self._conflicts: list[int] = []
        self._findings: list[Finding] = []

    def add(self, seen: Seen) -> None:
        """One more row."""
        prompt, answer = seen.prompt.strip(), seen.answer.strip()
        if not prompt or len(self._numbers) >= COMPARED:
            return
        values = seen.row.values
        if self._columns or not self._numbers:
            names = self._columns or values
            self._columns = [name for name in names if str(values.get(name)).strip() == answer]
        self._prompts.append(hash(prompt))
        self._answers.append(hash(answer))
        self._numbers.append(seen.number)
        if self._classes is None:
            return
        self._classes[answer] += 1
        if len(answer) > _LABEL or len(self._classes) > _CLASSES:
            self._classes = None

    def steps(self) -> Iterator[None]:
        """Compare all rows."""
        rows = len(self._numbers)
        if rows < 2:
            return
        # Imported on use: numpy takes a tenth of a second.
        from engine.data.likeness.repeats import answered_otherwise

        most = int(max(_FEW, _OFTEN * rows))
        found = answered_otherwise(self._prompts, self._answers, self._numbers, most)
        yield
        self._findings = [*self._asked(found, rows), *self._imbalance(rows)]

    def findings(self) -> Sequence[Finding]:
        """What was found, once all rows were compared."""
        return self._findings

    def numbers(self, check: str) -> Sequence[int] | None:
        """The rows of questions that have several answers."""
        return self._conflicts if check in (CONFLICTS, ASKED_TWICE) else None

    @property
    def _labels(self) -> Counter[str] | None:
        """The classes, if the answers are such."""
        classes, rows = self._classes, len(self._numbers)
        few = classes is not None and 2 <= len(classes) <= _KINDS * rows
        return classes if few and rows >= _FEWEST else None

    def _asked(self, found: Repeats, rows: int) -> Iterator[Finding]:
        """What is said of rows that ask the same and are answered otherwise."""
        count, labelled = found.total, self._labels is not None
        if not count or (not labelled and count < _MANY * rows):
            return
        self._conflicts = found.rows
        wanted = sorted({number for pair in found.pairs for number in pair})
        told = {number: (row, example) for number, row, example in self._back(wanted)}
        pairs = [(told[one], told[other]) for one, other in found.pairs if {one, other} <= told.keys()]
        places = [row.where for (row, _), _ in pairs]
        evidence = [f"{_quoted(*one)} · {_quoted(*other)}" for one, other in pairs]
        if labelled:
            yield Finding(
                category="quality",
                severity="warning",
                title=f"{counted(count)} ask what others ask, and have another answer",
                evidence=evidence,
                cause="The same text has several labels: none of them can be learnt.",
                remedy="Decide for one of them, or leave these rows out.",
                patch=Patch(label=f"drop {count:,}", data=[f"drop={CONFLICTS}"]),
                count=count,
                share=count / rows,
                places=places,
                check=CONFLICTS,
            )
            return
        column = _column(pairs)
        words = [f"resplit={column}:0.05"] if column else []
        yield Finding(
            category="leakage",
            severity="note",
            title=f"{counted(count)} ask what others ask, and are answered in other words",
            evidence=evidence,
            cause="Several answers may be right, but rows held out at random ask what was trained on.",
            remedy="Hold out all rows of a question together, as --apply resplit=COLUMN:SHARE does.",
            patch=Patch(label=f"resplit by {column}", data=words) if words else None,
            count=count,
            share=count / rows,
            places=places,
            check=ASKED_TWICE,
        )

    def _imbalance(self, rows: int) -> Iterator[Finding]:
        classes = self._labels
        if classes is None or min(classes.values()) >= _RARE * rows / len(classes):
            return
        ordered = classes.most_common()
        column = next(iter(self._columns), "")
        rare = sum(count < _RARE * rows / len(classes) for count in classes.values())
        entropy = -sum(count / rows * math.log2(count / rows) for count in classes.values())
        told = [f"{count / rows:.1%} {one_line(name, _QUOTED)}" for name, count in ordered]
        least = told[-_SHOWN:] if len(told) > 2 * _SHOWN else told[_SHOWN:]
        yield Finding(
            category="imbalance",
            severity="warning",
            title=f"{rare:,} of {len(classes):,} classes {'is' if rare == 1 else 'are'} rare",
            evidence=[
                f"the most common: {', '.join(told[:_SHOWN])}",
                *([f"the rarest: {', '.join(least)}"] if least else []),
                f"entropy {entropy:.2f} bits, {math.log2(len(classes)):.2f} if all were as common",
            ],
            cause="A class with less than a tenth of an equal share is hardly learnt: the others win.",
            remedy="Add rows of the rare classes, or keep fewer of the common ones.",
            patch=Patch(label=f"rebalance {column}", data=[f"rebalance={column}"]) if column else None,
            count=sum(count for count in classes.values() if count < _RARE * rows / len(classes)),
            check=IMBALANCE,
        )


def _quoted(row: Row, example: Example | None) -> str:
    answer = seen(row, example).answer if example is not None else ""
    return f"{row.where} {one_line(redact(answer), _QUOTED)}"


def _column(pairs: Sequence[tuple[Read, Read]]) -> str:
    """A column in which rows that ask the same are equal; empty where no single one says what is asked."""
    if not pairs:
        return ""
    names = pairs[0][0][0].values
    return next((name for name in names if all(_equal(name, one, other) for one, other in pairs)), "")


def _equal(name: str, one: Read, other: Read) -> bool:
    value = one[0].values.get(name)
    return isinstance(value, str) and bool(value.strip()) and value == other[0].values.get(name)
