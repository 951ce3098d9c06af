"""From a recipe's files to encoded rows: read, recognise, encode, hold out, and say what was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from engine.data.dataset import Dataset, Rows
from engine.data.encode import encode_examples, encode_stream
from engine.data.examples import Examples
from engine.data.read.rows import is_text, read_rows
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair, Shape
from engine.data.split import split
from engine.data.tokenizer import ModelTokenizer
from engine.events import Form
from engine.findings import Finding
from engine.inspection.losses import Losses, findings_of
from engine.recipe.recipe import Recipe
from engine.sources.entry import Entry
from engine.sources.resolve import Sources, resolve
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


class _Reading:
    """What gathers while files are read."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.losses = Losses()
        self.shapes: list[Shape] = []
        self.ignored: dict[str, list[str]] = {}
        self.probes: list[str] = []
        self.chats: list[Chat] = []
        self.said: list[Finding] = []


def prepare(recipe: Recipe, tokenizer: ModelTokenizer, progress: Progress | None = None) -> Prepared:
    """Read and encode the recipe's data, `progress` being told the rows done so far.

    Raises:
        Refusal: a file or row that cannot be used, or nothing left to learn.
    """
    tick = progress or (lambda _: None)
    sources = resolve(recipe.data_entries)
    reading = _read(sources, recipe, tokenizer, tick)
    everything = Dataset(reading.rows)
    if not len(everything):
        raise _nothing(recipe.data_entries, recipe, reading.losses)
    held = None
    if recipe.eval_entries:
        held = _read(resolve(recipe.eval_entries, "eval"), recipe, tokenizer, tick)
        if not len(held.rows):
            raise _nothing(recipe.eval_entries, recipe, held.losses)
    train, evaluation = (
        (everything, Dataset(held.rows)) if held else split(everything, recipe.eval_split, recipe.seed)
    )
    return Prepared(
        train=train,
        eval=evaluation,
        shapes=reading.shapes,
        findings=[
            *told(sources, offered=held is None),
            *reading.said,
            *findings_of(reading.losses, reading.ignored, recipe.max_length),
        ],
        probes=reading.probes,
        chats=reading.chats,
    )


def _read(sources: Sources, recipe: Recipe, tokenizer: ModelTokenizer, tick: Progress) -> _Reading:
    reading = _Reading()
    for source in sources.files:
        path = source.path
        rows = read_rows(path)
        if is_text(path):
            pieces = _watched_pieces(rows, reading)
            encode_stream(pieces, tokenizer, recipe.max_length, reading.rows, tick)
        else:
            examples = _examples(rows, Examples(recipe.data_format, recipe.mapping), reading)
            encode_examples(examples, tokenizer, recipe.max_length, reading.rows, reading.losses, tick)
    return reading


def _watched_pieces(rows: Iterator[Row], reading: _Reading) -> Iterator[Row]:
    for row in rows:
        _met(reading, "text")
        _probe(reading, Document(row.values["text"]))
        yield row


def _examples(rows: Iterator[Row], examples: Examples, reading: _Reading) -> Iterator[tuple[Row, Example]]:
    """The examples of a file, with what they were read as."""
    for row, example in examples.all(rows):
        if isinstance(example, Refusal):
            raise example
        if examples.shape is not None:
            _met(reading, examples.shape)
        if examples.unused:
            reading.ignored[row.file] = examples.unused
        if example is None:
            reading.losses.empty.add(row.where)
            continue
        _probe(reading, example)
        yield row, example
    reading.said += examples.findings()


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
    if losses.vanished:
        return Refusal(
            "truncation",
            f"All {losses.rows:,} rows lose their whole answer when cut at {recipe.max_length:,} tokens.",
            where=where,
            why="The prompts alone are longer than max_length.",
            do="Raise max_length.",
        )
    empty = len(losses.empty)
    why = f"All {empty:,} rows have an empty answer." if empty else "The files hold no rows."
    what = "There is nothing to learn from."
    return Refusal("empty_or_tiny_dataset", what, where=where, why=why, do="Check the files.")
