"""Tries a mapping on the first rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from engine.data.examples import Examples
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair, is_learnt
from engine.mapping.check import Misfit, mapping_of, unknown_column
from engine.mapping.mapping import Mapping
from engine.mapping.path import said
from engine.mapping.preview import Preview, Sample, Spoken
from engine.mapping.propose import propose

_LONGEST: Final = 4000
"""Characters of a text that are sent."""


def proposed(rows: Sequence[Row], data_format: str = "auto", most: int = 5) -> Preview:
    """The mapping that these rows most likely need, and what it makes of them."""
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    found = propose(columns, [row.values for row in rows])
    if found is None:
        return preview(None, rows, data_format, most)
    return preview(found.mapping, rows, data_format, most, found.reason, found.confidence)


def preview(
    mapping: Mapping | dict[str, object] | None,
    rows: Sequence[Row],
    data_format: str = "auto",
    most: int = 5,
    reason: str = "",
    confidence: float = 0.0,
) -> Preview:
    """What the mapping makes of the first rows; what is wrong with it is said and not raised.

    Args:
        mapping: one, or what a person wrote that shall be one, or None for the rows as they are.
        rows: the first of a file.
        data_format: as in the recipe.
        most: examples that are shown; all are counted.
        reason: why it was proposed.
        confidence: of that proposal, 0 to 1.
    """
    try:
        made = mapping_of(mapping) if isinstance(mapping, dict) else mapping
    except Misfit as wrong:
        return Preview(rows=len(rows), at=wrong.at, problem=wrong.why, do=wrong.do)
    columns = {name for row in rows for name in row.values}
    if made is not None and columns and (misfit := unknown_column(made, columns)) is not None:
        return Preview(mapping=made, rows=len(rows), at=misfit.at, problem=misfit.why, do=misfit.do)
    examples = Examples(data_format, made)
    samples, count = _samples(examples.all(iter(rows)), most)
    return Preview(
        mapping=made,
        reason=reason,
        confidence=confidence,
        shape=examples.shape,
        rows=len(rows),
        left_out=examples.left_out,
        examples=count,
        samples=samples,
    )


def _samples(read: Iterable[tuple[Row, Example | Refusal | None]], most: int) -> tuple[list[Sample], int]:
    samples: list[Sample] = []
    count = 0
    for row, example in read:
        count += not isinstance(example, Refusal) and example is not None
        if len(samples) < most:
            samples.append(_sample(row, example))
    return samples, count


def _sample(row: Row, example: Example | Refusal | None) -> Sample:
    match example:
        case None:
            return Sample(where=row.where, problem="The answer is empty: training leaves this row out.")
        case Refusal():
            return Sample(where=example.where, problem=f"{example.what} {example.why}".strip())
        case Document(text):
            parts = [Spoken(role="text", text=_cut(text), learnt=True)]
        case Pair(prompt, completion):
            parts = [
                Spoken(role="prompt", text=_cut(prompt)),
                Spoken(role="completion", text=_cut(completion), learnt=True),
            ]
        case Chat(messages):
            parts = [
                Spoken(
                    role=turn["role"],
                    text=_cut(turn["content"] or said(turn.get("tool_calls"))),
                    learnt=is_learnt(turn),
                )
                for turn in messages
            ]
    return Sample(where=row.where, parts=parts)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
