"""From the rows of a file to examples: training, inspection and outlook all read them here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from engine.data.mapping.apply import Mapper
from engine.data.refusal import Refusal
from engine.data.row import Row, listed
from engine.data.shapes import PREFERENCES, SHAPES, Example, Shape, example_of, fitting, shape_of_most
from engine.data.shapes.plain import label_column
from engine.data.shapes.preferences import preference, verdict
from engine.data.shapes.recognise import unused_columns
from engine.findings import Finding, Patch
from engine.mapping.mapping import Mapping, Proposal, plain
from engine.mapping.propose import propose
from engine.mapping.spell import spelt

_HEAD: Final = 256
"""Rows by which the shape of a file is decided: one odd row among them decides nothing."""
_LONG: Final = 8 << 20
"""Characters of their texts after which they are enough."""

Read = tuple[Row, Example | None]


class Examples:
    """Reads the rows of one file.

    Args:
        data_format: the shape of the rows, `auto` to recognise it.
        mapping: what makes rows of a shape out of the file's columns.
        pairs: rows have to be pairs of a chosen and a rejected answer; `feed` gives the chosen side, and
            `rejected` the other one.
    """

    def __init__(
        self, data_format: str = "auto", mapping: Mapping | None = None, *, pairs: bool = False
    ) -> None:
        self.shape: Shape | None = None
        self.counts: dict[str, int] = {}
        """Rows by the shape that they fit, `none` for those that fit none."""
        self.unused: list[str] = []
        """Columns that nothing is learnt from."""
        self.disliked = 0
        """Judged answers that nobody liked: they are not learnt."""
        self._wanted = "preference" if pairs and data_format == "auto" else data_format
        self._pairs = pairs
        self._mapper = Mapper(mapping) if mapping is not None else None
        self._refusal: Refusal | None = None
        """What is said of every row that is not read."""
        self._numbered = False
        """True where classes are numbers that nobody named."""
        self._turns: Proposal | None = None
        """How rows of texts become conversations, where they look like turns."""
        self._decided = False

    @property
    def gathers(self) -> bool:
        """True where several rows are one conversation, which is known once all rows were fed."""
        return self._mapper is not None and bool(self._mapper.mapping.keys)

    @property
    def left_out(self) -> int:
        """Rows that the mapping's filter kept out."""
        return self._mapper.left_out if self._mapper is not None else 0

    def decide(self, head: Sequence[Row]) -> None:
        """Choose the shape by the first rows; where none fits, each row will be refused."""
        self._decided = True
        mapping = self._mapper.mapping if self._mapper is not None else None
        values = [row.values for row in head]
        if self._mapper is not None:
            self._mapper.meet(set().union(*values))
        if mapping is not None and mapping.composes:
            self.shape = _composed(mapping)
            self._refusal = _no_pairs(self.shape, head) if self._pairs else None
            return
        self.shape = shape_of_most(values, self._wanted)
        if self.shape is not None and head:
            first = next((row for row in head if self.shape in fitting(row.values)), head[0])
            self.unused = unused_columns(first, self.shape)
        if self.shape == "text" and self._wanted == "auto" and len(self.unused) > 1 and mapping is None:
            found = _proposal(head)
            self._turns = found if found is not None and found.mapping.keys else None
        self._numbered = self.shape == "classification" and all(map(_is_numbered, values))
        if self._pairs and self.shape != "preference":
            self._refusal = _no_pairs(shape_of_most(values), head) if head else None
        elif self.shape in PREFERENCES and self._wanted == "auto":
            self._refusal = _unasked(self.shape, head)
        elif self.shape is None and head:
            self._refusal = _unknown(self._wanted, head)

    def all(self, rows: Iterator[Row]) -> Iterator[tuple[Row, Example | Refusal | None]]:
        """Every example of a file; a refusal in the place of one that cannot be read."""
        head = first_rows(rows)
        self.decide(head)
        for row in chain(head, rows):
            try:
                yield from self.feed(row)
            except Refusal as refusal:
                yield row, refusal
        for _, row, example in self.finish():
            yield row, example

    def counted(self, rows: Iterator[Row]) -> Iterator[int]:
        """How many examples come of each row; rows but the first are read only where they have to be.

        Raises:
            Refusal: the first row cannot be read.
        """
        head = first_rows(rows)
        self.decide(head)
        if head and self._mapper is None:
            self._example(head[0])
        plain = self._mapper is None and self.shape != "kto"
        for row in chain(head, rows):
            yield 1 if plain else len(self._made(row))
        if self.gathers:
            yield sum(1 for _ in self.finish())

    def feed(self, row: Row) -> list[Read]:
        """What comes of the next row at once.

        Raises:
            Refusal: training would refuse the row.
        """
        return [(made, self._counted(made)) for made in self._made(row)]

    def rejected(self, row: Row) -> Example | None:
        """The other side of a pair that `feed` gave; None where it is empty.

        Raises:
            Refusal: training would refuse it.
        """
        return preference(row, "rejected")

    def finish(self) -> Iterator[tuple[int, Row, Example | Refusal | None]]:
        """The conversations of which the rows were turns, with the number of their first row in the file."""
        for number, row, example in self.gathered():
            shape = "none" if isinstance(example, Refusal) else "messages"
            self.counts[shape] = self.counts.get(shape, 0) + 1
            yield number, row, example

    def gathered(self) -> Iterator[tuple[int, Row, Example | Refusal | None]]:
        """What `finish` gives, as often as it is asked for."""
        for number, row in self._mapper.finish() if self._mapper is not None else ():
            if isinstance(row, Refusal):
                yield number, Row(row.where.rpartition(":")[0], 0, {}), row
                continue
            try:
                yield number, row, self._example(row)
            except Refusal as refusal:
                yield number, row, refusal

    def of(self, row: Row) -> list[Example | None]:
        """What comes of a row by itself, or the conversation that it belongs to.

        Raises:
            Refusal: training would refuse the row.
        """
        if self._mapper is None:
            made = [row]
        elif self.gathers:
            found = self._mapper.conversation_of(row)
            if isinstance(found, Refusal):
                raise found
            made = [found] if found is not None else []
        else:
            made = self._mapper.made(row) if self._mapper.holds(row) else []
        return [self._example(each) for each in made if not self._is_disliked(each)]

    def findings(self) -> Iterator[Finding]:
        """What has to be said of how the rows were read."""
        rows = sum(self.counts.values())
        if self._mapper is not None and self._mapper.left_out:
            count, met = self._mapper.left_out, self._mapper.rows
            title = f"{count:,} of {met:,} rows are kept out by mapping.filter"
            yield _note(title, count=count, share=count / met)
        if self.shape == "preference" and self._wanted != "auto" and not self._pairs:
            yield _note("Only the chosen answers are learnt; the rejected ones are not looked at", count=rows)
        if self.disliked:
            whole = rows + self.disliked
            title = f"{self.disliked:,} of {whole:,} answers are labelled false: they are not learnt"
            yield _note(title, count=self.disliked, share=self.disliked / whole)
        if self._turns is not None and rows:
            yield _as_turns(self._turns, rows)
        if self._numbered and rows and not (self._mapper and self._mapper.mapping.labels):
            yield _note(
                "The labels are numbers, and the model learns to answer with them",
                remedy="Name them in the recipe: mapping: {labels: [first, second, …]}.",
            )
        if self.shape == "classification" and self._wanted == "auto" and rows:
            yield _note(
                "The label is the answer that is learnt; the text is what is asked",
                remedy="data_format text learns the text itself.",
            )

    # --- one row ---

    def _made(self, row: Row) -> list[Row]:
        made = self._mapper.feed(row) if self._mapper is not None else [row]
        liked = [each for each in made if not self._is_disliked(each)]
        self.disliked += len(made) - len(liked)
        return liked

    def _counted(self, row: Row) -> Example | None:
        try:
            example = self._example(row)
        except Refusal:
            fits = next(iter(fitting(row.values)), "none")
            self.counts[fits] = self.counts.get(fits, 0) + 1
            raise
        assert self.shape is not None
        self.counts[self.shape] = self.counts.get(self.shape, 0) + 1
        return example

    def _example(self, row: Row) -> Example | None:
        if not self._decided:
            self.decide([row])
        if self._refusal is not None:
            raise self._refusal.at(row.where)
        assert self.shape is not None
        try:
            if self._pairs and preference(row, "rejected") is None:
                return None
            return example_of(row, self.shape)
        except Refusal as refusal:
            other = next((shape for shape in fitting(row.values) if shape != self.shape), None)
            raise refusal if other is None else _another(row, other, self.shape) from None

    def _is_disliked(self, row: Row) -> bool:
        return self.shape == "kto" and self._wanted != "auto" and verdict(row.values) is False


def first_rows(rows: Iterator[Row]) -> list[Row]:
    """As many of the next rows as decide a shape."""
    found: list[Row] = []
    size = 0
    for row in islice(rows, _HEAD):
        found.append(row)
        size += sum(len(value) for value in row.values.values() if isinstance(value, str | list))
        if size > _LONG:
            break
    return found


def _unknown(wanted: str, head: Sequence[Row]) -> Refusal:
    """What is said of rows that fit no shape, with the mapping that would make them fit."""
    columns = list(dict.fromkeys(chain.from_iterable(row.values for row in head)))
    accepted = "; ".join(f"{shape}: {words}" for shape, words in SHAPES.items())
    do = f"Rename the columns to one of these shapes, or write a mapping. {accepted}."
    found = _proposal(head) if wanted == "auto" else None
    patch = None
    if found is not None:
        do = f"Put this into the recipe: mapping: {spelt(found.mapping)}. {do}"
        patch = Patch(label="use the proposed mapping", recipe={"mapping": plain(found.mapping)})
    return Refusal(
        "dataset_format",
        f"The row cannot be read{'' if wanted == 'auto' else f' as {wanted}'}.",
        why=f"The columns are: {listed(columns) or 'none'}.",
        do=do,
        patch=patch,
    )


def _proposal(head: Sequence[Row]) -> Proposal | None:
    columns = list(dict.fromkeys(chain.from_iterable(row.values for row in head)))
    return propose(columns, [row.values for row in head])


def _as_turns(found: Proposal, rows: int) -> Finding:
    return Finding(
        category="dataset_format",
        severity="warning",
        title="The rows look like turns of conversations, and each is learnt as a text of its own",
        confidence=found.confidence,
        cause=f"It seems that {found.reason}.",
        remedy=f"Put this into the recipe: mapping: {spelt(found.mapping)}. Or say data_format: text.",
        patch=Patch(label="make conversations of them", recipe={"mapping": plain(found.mapping)}),
        count=rows,
        share=1.0,
    )


def _is_numbered(values: dict[str, Any]) -> bool:
    column = label_column(values)
    return column is not None and not isinstance(values[column], list) and str(values[column]).isdecimal()


def _composed(mapping: Mapping) -> Shape:
    """The shape that a mapping makes."""
    if mapping.text:
        return "text"
    if mapping.prompt and not mapping.system:
        return "prompt_completion"
    return "question_answer" if mapping.prompt or mapping.question else "messages"


def _unasked(shape: Shape, head: Sequence[Row]) -> Refusal:
    """What is said of preferences that nobody said what to do with."""
    why = f"Its columns are: {listed(head[0].values)}. Bad answers would be learnt too."
    if shape == "preference":
        return Refusal(
            "dataset_format",
            "The row is a pair of a chosen and a rejected answer, and the objective learns single answers.",
            why=why,
            do="Set objective: dpo (or orpo) to learn to prefer one to the other, or "
            "data_format: preference to learn the chosen answers and nothing else.",
            patch=Patch(label="objective dpo: learn what is preferred", recipe={"objective": "dpo"}),
        )
    return Refusal(
        "dataset_format",
        "The row is a judged answer, which this trainer does not learn to prefer.",
        why=why,
        do=f"Set data_format: {shape} to learn the answers with label true and nothing else.",
        patch=Patch(
            label=f"data_format {shape}: learn the answers with label true", recipe={"data_format": shape}
        ),
    )


def _no_pairs(shape: Shape | None, head: Sequence[Row]) -> Refusal:
    """What is said of rows that an objective over pairs finds and that are none."""
    return Refusal(
        "dataset_format",
        "The row is no pair of a chosen and a rejected answer.",
        why=f"The recipe's objective compares two answers; the columns are: {listed(head[0].values)}.",
        do="Give each row the columns prompt, chosen and rejected, or set objective: sft.",
        patch=Patch(label="objective sft: learn the answers", recipe={"objective": "sft"}) if shape else None,
    )


def _another(row: Row, shape: Shape, file: Shape) -> Refusal:
    return Refusal(
        "dataset_format",
        f"The row is {shape}, and the file is read as {file}.",
        where=row.where,
        why=f"Its columns are: {listed(row.values)}. Most of the file's first rows are {file}.",
        do="Put rows of another shape into a file of their own, or leave them out.",
    )


def _note(title: str, **more: Any) -> Finding:
    return Finding(category="dataset_format", severity="note", title=title, **more)
