"""From a recipe's files to encoded rows: read, recognise, encode, hold out, and say what was lost."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from engine.data.dataset import Dataset, Rows
from engine.data.encode import Draft, draft, encode_drafts, encode_stream
from engine.data.examples import Examples
from engine.data.pairs import encode_pairs
from engine.data.read.notes import notes_of
from engine.data.read.rows import is_text, rows_of
from engine.data.read.source import Source as FileSource
from engine.data.refusal import Refusal, as_refusal
from engine.data.rejects import DROP, Keep, Kept, Rejects, Summary, how_many
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair, Shape
from engine.data.shelf.key import key_of
from engine.data.shelf.shelf import Shelf
from engine.data.split import drawn, split
from engine.data.tokenizer import ModelTokenizer
from engine.events import Form
from engine.findings import Finding
from engine.inspection.losses import Losses, findings_of
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.sources.entry import Entry
from engine.sources.mix import draws_of
from engine.sources.resolve import PLACED, Purpose, Sources, resolve
from engine.sources.tell import told

_PROBES: Final = 48
_PROBE_CHARACTERS: Final = 2000

Progress = Callable[[int], None]


class Prepared(msgspec.Struct, kw_only=True):
    """The data of a run."""

    train: Dataset
    eval: Dataset | None
    shapes: list[Shape]
    """The shapes met, in the order of the files."""
    findings: list[Finding]
    probes: list[str]
    """Some texts of the rows, for comparing this tokenizer with another."""
    chats: list[Chat]
    """Some conversations of the rows, for comparing chat templates."""

    @property
    def form(self) -> Form:
        """How the rows' prompts are written; a pair of lists of turns is a conversation too."""
        return "chat" if self.chats else "verbatim"


class Told(msgspec.Struct, kw_only=True):
    """What a run says of its data beside the rows, kept with them for the next run."""

    losses: Losses
    shapes: list[Shape]
    ignored: dict[str, list[str]]
    probes: list[str]
    chats: list[Chat]
    said: list[Finding]
    rejects: Summary


class _Reading:
    """What gathers while files are read."""

    def __init__(self, recipe: Recipe, tokenizer: ModelTokenizer, rejects: Rejects) -> None:
        self.recipe, self.tokenizer, self.rejects = recipe, tokenizer, rejects
        self.rows = Rows()
        self.losses = Losses()
        self.shapes: list[Shape] = []
        self.ignored: dict[str, list[str]] = {}
        self.probes: list[str] = []
        self.chats: list[Chat] = []
        self.said: list[Finding] = []

    @property
    def told(self) -> Told:
        """All of it but the rows."""
        return Told(losses=self.losses, shapes=self.shapes, ignored=self.ignored, probes=self.probes,
                    chats=self.chats, said=self.said, rejects=self.rejects.summary)  # fmt: skip

    def recall(self, rows: Rows, told: Told) -> _Reading:
        """Be as after reading the files from which both came."""
        self.rows, self.losses, self.shapes, self.ignored = rows, told.losses, told.shapes, told.ignored
        self.probes, self.chats, self.said = told.probes, told.chats, told.said
        self.rejects.recall(told.rejects)
        return self

    @property
    def data(self) -> Dataset:
        """The rows that an epoch draws."""
        return Dataset(self.rows, [row for row, times in enumerate(self.rows.times) if times])


def prepare(
    recipe: Recipe,
    tokenizer: ModelTokenizer,
    progress: Progress | None = None,
    *,
    rejects: Path | None = None,
    shelf: Shelf | None = None,
) -> Prepared:
    """Read and encode the recipe's data, `progress` being told the rows done so far.

    Args:
        rejects: the file that keeps the rows which are left out for being bad; none is written without any.
        shelf: where encoded rows are kept for the next run that reads the same files the same way.

    Raises:
        Refusal: a file or row that cannot be used, or nothing left to learn.
    """
    with ExitStack() as stack:
        kept = stack.enter_context(Kept(rejects))

        def read(entries: list[Entry], purpose: Purpose) -> tuple[Sources, _Reading]:
            sources = _found(entries, purpose)
            tick = progress or (lambda _: None)
            if shelf is None:
                return sources, _read(sources, recipe, tokenizer, tick, kept.keep)
            return sources, _shelved(shelf, sources, recipe, tokenizer, tick, kept)

        sources, reading = read(recipe.data_entries, "train")
        held = read(recipe.eval_entries, "eval")[1] if recipe.eval_entries else None
    everything = reading.data
    if not len(everything):
        raise _nothing(recipe.data_entries, recipe, reading.losses)
    if held and not len(held.data):
        raise _nothing(recipe.eval_entries, recipe, held.losses)
    train, evaluation = (everything, held.data) if held else split(everything, recipe.eval_split, recipe.seed)
    left_out = [each.rejects.finding(rejects) for each in (reading, held) if each]
    return Prepared(
        train=drawn(train),
        eval=evaluation,
        shapes=reading.shapes,
        findings=[
            *told(sources, offered=held is None),
            *filter(None, left_out),
            *reading.said,
            *findings_of(reading.losses, reading.ignored, recipe.max_length),
        ],
        probes=reading.probes,
        chats=reading.chats,
    )


def _found(entries: list[Entry], purpose: Purpose) -> Sources:
    try:
        return resolve(entries, purpose, folder=PLACED)
    except Problem as problem:
        raise as_refusal("dataset_format", problem) from None


def _shelved(
    shelf: Shelf, sources: Sources, recipe: Recipe, tokenizer: ModelTokenizer, tick: Progress, kept: Kept
) -> _Reading:
    """The rows from the shelf; those that are not there are read and put there."""
    with shelf.place(lambda: key_of(sources, recipe, tokenizer), lambda: tick(0)) as place:
        if place.found is None:
            reading = _read(sources, recipe, tokenizer, tick, place.beside(kept.keep))
            place.put(reading.rows, _encoded(reading.told), [str(file.path) for file in sources.files])
        if place.found is None:
            return reading
        reading = _Reading(recipe, tokenizer, Rejects(drop=recipe.bad_rows == DROP))
        told = msgspec.json.decode(place.found.told, type=Told)
        if not place.made:
            kept.write(place.found.rejects)
        return reading.recall(place.found.rows, told)


def _encoded(told: Told) -> bytes | None:
    """As JSON; None for what JSON cannot hold, such as half a character or a number beyond 64 bits."""
    try:
        return msgspec.json.encode(told)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


def _read(
    sources: Sources, recipe: Recipe, tokenizer: ModelTokenizer, tick: Progress, keep: Keep
) -> _Reading:
    reading = _Reading(recipe, tokenizer, Rejects(drop=recipe.bad_rows == DROP, keep=keep))
    draws = draws_of(sources, recipe.seed)
    try:
        for source in sources.files:
            _read_file(source.path, draws.get(source.entry), reading, tick)
    except Refusal as refusal:
        if refusal is reading.rejects.stopped:
            how_many(refusal, sources, recipe)
        raise
    reading.rejects.judge()
    return reading


def _read_file(path: Path, draws: Iterator[int] | None, reading: _Reading, tick: Progress) -> None:
    file, found = FileSource(path), reading.rows
    rows = rows_of(file, bad=reading.rejects.bad)
    tokenizer, longest = reading.tokenizer, reading.recipe.max_length
    if reading.recipe.paired:
        encode_pairs(_pairs(rows, draws, reading), tokenizer, longest, found, reading.losses, tick)
        reading.said += notes_of(file)
        return
    if not is_text(path):
        encode_drafts(_drafts(rows, draws, reading), tokenizer, longest, found, reading.losses, tick)
        reading.said += notes_of(file)
        return
    before = len(found)
    encode_stream(_watched_pieces(rows, reading), tokenizer, longest, found, tick)
    reading.said += notes_of(file)
    if draws is not None:
        found.times[before:] = array("H", islice(draws, len(found) - before))


def _watched_pieces(rows: Iterator[Row], reading: _Reading) -> Iterator[Row]:
    for row in rows:
        reading.rejects.good += max(row.values["text"].count("\n"), 1)
        _met(reading, "text")
        _probe(reading, Document(row.values["text"]))
        yield row


def _drafts(rows: Iterator[Row], draws: Iterator[int] | None, reading: _Reading) -> Iterator[Draft]:
    """The examples of a file as texts, those that an epoch draws."""
    examples = Examples(reading.recipe.data_format, reading.recipe.mapping)
    for row, example in _taken(examples, rows, draws, reading):
        if (made := _draft(row, example, reading)) is not None:
            yield made


def _pairs(
    rows: Iterator[Row], draws: Iterator[int] | None, reading: _Reading
) -> Iterator[tuple[Draft, Draft]]:
    """The chosen and the rejected side of each row of a file, of those that an epoch draws."""
    examples = Examples(reading.recipe.data_format, reading.recipe.mapping, pairs=True)
    for row, example in _taken(examples, rows, draws, reading):
        try:
            other = examples.rejected(row)
            rejected = None if other is None else draft(row, other, reading.tokenizer)
        except Refusal as refusal:
            reading.rejects.refuse(row, refusal)
            continue
        chosen = _draft(row, None if rejected is None else example, reading)
        if chosen is not None and rejected is not None:
            yield chosen, rejected


def _taken(
    examples: Examples, rows: Iterator[Row], draws: Iterator[int] | None, reading: _Reading
) -> Iterator[tuple[Row, Example | None]]:
    """The examples of a file that an epoch draws; None in the place of one with nothing to learn."""
    for row, example in examples.all(rows):
        if isinstance(example, Refusal):
            reading.rejects.refuse(row, example)
            continue
        if examples.shape is not None:
            _met(reading, examples.shape)
        if examples.unused:
            reading.ignored[row.file] = examples.unused
        times = 1 if draws is None else next(draws)
        if times:
            yield row if times == 1 else msgspec.structs.replace(row, times=times), example
    reading.said += examples.findings()


def _draft(row: Row, example: Example | None, reading: _Reading) -> Draft | None:
    """The text of an example; None where there is nothing to learn in it."""
    if example is None:
        reading.rejects.good += 1
        reading.losses.empty.add(row.where)
        return None
    try:
        made = draft(row, example, reading.tokenizer)
    except Refusal as refusal:
        reading.rejects.refuse(row, refusal)
        return None
    reading.rejects.good += 1
    _probe(reading, example)
    return made


def _met(reading: _Reading, shape: Shape) -> None:
    if shape not in reading.shapes:
        reading.shapes.append(shape)


def _probe(reading: _Reading, example: Example) -> None:
    if len(reading.probes) >= _PROBES:
        return
    match example:
        case Document(text):
            step = max(len(text) // 8, _PROBE_CHARACTERS)
            texts = [text[at : at + _PROBE_CHARACTERS] for at in range(0, len(text), step)]
        case Pair(prompt, completion):
            texts = [(prompt + completion)[:_PROBE_CHARACTERS]]
        case Chat(messages):
            texts = [message["content"][:_PROBE_CHARACTERS] for message in messages]
            reading.chats.append(example)
    reading.probes += texts[: _PROBES - len(reading.probes)]


def _nothing(entries: list[Entry], recipe: Recipe, losses: Losses) -> Refusal:
    where = ", ".join(map(str, entries))
    if losses.alike:
        return Refusal(
            "dataset_format",
            f"The chosen and the rejected answer are the same in all of {len(losses.alike):,} pairs.",
            where=where,
            why=f"They are equal, or differ only behind the first {recipe.max_length:,} tokens.",
            do="Look at how the pairs were made; raise max_length where answers begin alike.",
        )
    if losses.vanished:
        return Refusal(
            "truncation",
            f"All {losses.rows:,} rows lose their whole answer when cut at {recipe.max_length:,} tokens.",
            where=where,
            why="The prompts alone are longer than max_length.",
            do="Raise max_length.",
        )
    if losses.dropped:
        return Refusal(
            "truncation",
            f"All {len(losses.dropped):,} rows are longer than {recipe.max_length:,} tokens.",
            where=where,
            why="truncation: drop leaves such rows out.",
            do="Raise max_length, or cut them with truncation: cut.",
        )
    empty = len(losses.empty)
    why = f"All {empty:,} rows have an empty answer." if empty else "The files hold no rows."
    what = "There is nothing to learn from."
    return Refusal("empty_or_tiny_dataset", what, where=where, why=why, do="Check the files.")
