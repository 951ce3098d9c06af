"""What is lost on the way from rows to labels, and the findings that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from engine.findings import Finding, Patch

_SHOWN: Final = 5
_LONGEST: Final = 1_048_576
"""The largest `max_length` that a recipe takes."""
EMPTY: Final = "empty"
ENDLESS: Final = "endless"
TOO_LONG: Final = "too_long"
UNUSED: Final = "unused"
ALIKE: Final = "alike"
"""What is found without a check of its own, by the names that `Finding.check` has for it."""
_SOME_ENDLESS: Final = 0.05
"""Share of answers without an end above which a model learns not to stop; fewer are turns cut by hand."""


class Places(msgspec.Struct):
    """How many rows something was met in, and where the first of them are."""

    count: int = 0
    first: list[str] = []
    """`file:line`."""

    def __len__(self) -> int:
        return self.count

    def add(self, where: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(where)

    @property
    def told(self) -> list[str]:
        """The first of them, and how many more there are."""
        rest = self.count - len(self.first)
        return [*self.first, *([f"and {rest:,} more"] if rest and self.first else [])]


class Losses(msgspec.Struct):
    """What was lost on the way."""

    rows: int = 0
    truncated_rows: int = 0
    truncated_answer_tokens: int = 0
    vanished: Places = msgspec.field(default_factory=Places)
    """Rows that had nothing left to learn after truncation."""
    dropped: Places = msgspec.field(default_factory=Places)
    """Rows longer than `max_length`, where the recipe leaves those out."""
    empty: Places = msgspec.field(default_factory=Places)
    """Rows without an answer."""
    alike: Places = msgspec.field(default_factory=Places)
    """Pairs of which the chosen and the rejected answer are the same."""
    endless: int = 0
    """Conversations whose last learnt token does not stop a generated text."""


def refused(what: str) -> str:
    """What `Finding.check` says where rows are refused; one name for each reason."""
    return f"refused: {what}"


def counted(rows: int) -> str:
    """`1 row`, `12 rows`."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def findings_of(losses: Losses, ignored: Mapping[str, Sequence[str]], max_length: int) -> Iterator[Finding]:
    """What the losses mean for a run at `max_length`; `ignored` are columns by file that teach nothing."""
    for file, columns in ignored.items():
        title = f"Columns that nothing is learnt from: {', '.join(columns)}"
        yield Finding(category="dataset_format", severity="note", title=title, evidence=[file], check=UNUSED)
    if losses.empty:
        title = f"{counted(len(losses.empty))} without an answer: left out"
        yield Finding(
            category="dataset_format",
            severity="warning",
            title=title,
            evidence=losses.empty.told,
            count=len(losses.empty),
            places=losses.empty.first,
            check=EMPTY,
        )
    if losses.alike:
        yield Finding(
            category="dataset_format",
            severity="warning",
            title=f"{counted(len(losses.alike))} whose chosen and rejected answers are the same: left out",
            evidence=losses.alike.told,
            cause=f"They are equal, or differ only behind the first {max_length:,} tokens.",
            remedy="Look at how the pairs were made; raise max_length where answers begin alike.",
            count=len(losses.alike),
            places=losses.alike.first,
            check=ALIKE,
        )
    if losses.truncated_rows:
        yield _truncation(losses, max_length)
    if losses.dropped:
        yield _dropped(losses, max_length)
    if losses.endless > _SOME_ENDLESS * max(losses.rows, 1):
        yield Finding(
            category="never_stops_generating",
            severity="warning",
            check=ENDLESS,
            count=losses.endless,
            share=losses.endless / losses.rows,
            title=f"{losses.endless:,} of {losses.rows:,} answers do not end with a token that stops "
            "the model",
            cause="The chat template writes no end-of-turn token that generation_config.json names.",
            remedy="Name the template's end-of-turn token as eos_token_id in generation_config.json.",
        )


def _truncation(losses: Losses, max_length: int) -> Finding:
    longer = min(max_length * 2, _LONGEST)
    be = "is" if losses.truncated_rows == 1 else "are"
    return Finding(
        category="truncation",
        severity="warning" if losses.truncated_answer_tokens else "note",
        title=f"{losses.truncated_rows:,} of {losses.rows:,} rows {be} cut at {max_length:,} tokens",
        evidence=[
            f"{losses.truncated_answer_tokens:,} answer tokens were cut off",
            f"{counted(len(losses.vanished))} with no answer left: left out",
            *losses.vanished.told,
        ],
        cause="Prompt and answer together are longer than max_length.",
        remedy="Raise max_length, or shorten the prompts.",
        patch=Patch(label=f"max_length {max_length} -> {longer}", recipe={"max_length": longer}),
        count=losses.truncated_rows,
        share=losses.truncated_rows / max(losses.rows, 1),
        check=TOO_LONG,
    )


def _dropped(losses: Losses, max_length: int) -> Finding:
    longer = min(max_length * 2, _LONGEST)
    return Finding(
        category="truncation",
        severity="warning",
        title=f"{len(losses.dropped):,} of {losses.rows:,} rows left out: longer than {max_length:,} tokens",
        evidence=losses.dropped.told,
        cause="truncation: drop leaves out what max_length would cut.",
        remedy="Raise max_length, or cut the rows with truncation: cut.",
        patch=Patch(label=f"max_length {max_length} -> {longer}", recipe={"max_length": longer}),
        count=len(losses.dropped),
        share=len(losses.dropped) / max(losses.rows, 1),
        check=TOO_LONG,
    )
