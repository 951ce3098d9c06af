"""Steps that make other rows of the rows that there are."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median_low
from typing import Any, Final

import msgspec

from engine.data.mend.setting import Setting
from engine.data.mend.step import Note, Rows, Work
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair
from engine.data.show import as_text
from engine.problem import Problem

_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？])|(?<=[।؟۔])\s*|\n+")
"""Where a sentence ends, in scripts with and without spaces."""


def split(size: str, setting: Setting) -> Work:
    """Cut documents of more than `size` tokens into several, at the ends of paragraphs and sentences.

    Raises:
        Problem: `size` is no number, or no model is named.
    """
    most = _number(size, "split")
    tokenizer = setting.tokenizer(f"split={size}")

    def tokens(text: str) -> int:
        return len(tokenizer.encode(text))

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        for row in rows():
            example = setting.example(row)
            if not isinstance(example, Document) or tokens(example.text) <= most:
                yield row
                continue
            pieces = _pieces(example.text, most, tokens)
            note.changed.add(row.where)
            note.added += len(pieces) - 1
            column = next(name for name, value in row.values.items() if value == example.text)
            for piece in pieces:
                yield msgspec.structs.replace(row, values={**row.values, column: piece})

    return work


def _pieces(text: str, most: int, tokens: Callable[[str], int]) -> list[str]:
    """`text` in pieces of at most `most` tokens, whole paragraphs where they fit, else whole sentences."""
    pieces, now, room = [], "", most
    for part in _parts(text, most, tokens):
        size = tokens(part)
        if now and size > room:
            pieces.append(now)
            now, room = "", most
        now += part
        room -= size
    pieces.append(now)
    return [piece.strip() for piece in pieces if piece.strip()]


def _parts(text: str, most: int, tokens: Callable[[str], int]) -> Iterator[str]:
    """Sentences with the space behind them; one that is too long by itself in words, then in characters."""
    at = 0
    for end in (*(found.end() for found in _SENTENCE.finditer(text)), len(text)):
        part = text[at:end]
        at = end
        if tokens(part) <= most:
            yield part
        else:
            yield from _halves(part, most, tokens)


def _halves(part: str, most: int, tokens: Callable[[str], int]) -> Iterator[str]:
    """`part` halved at a space, else anywhere, until each piece is short enough."""
    if tokens(part) <= most or len(part) < 2:
        yield part
        return
    middle = len(part) // 2
    cut = part.rfind(" ", 0, middle) + 1 or middle
    yield from _halves(part[:cut], most, tokens)
    yield from _halves(part[cut:], most, tokens)


def convert(shape: str, setting: Setting) -> Work:
    """Write each row as training reads it: as `messages`, as `prompt_completion`, or as `text`.

    Raises:
        Problem: there is no such shape.
    """
    if shape not in _WRITTEN:
        raise Problem(
            f"Rows cannot be written as {shape}.",
            where=f"--apply convert={shape}",
            do=f"Use one of: {', '.join(_WRITTEN)}.",
        )
    write = _WRITTEN[shape]

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        for row in rows():
            example = setting.example(row)
            values = write(example) if example is not None else None
            if values is None:
                note.dropped.add(row.where)
                continue
            note.changed.add(row.where)
            yield msgspec.structs.replace(row, values=values)

    return work


def _as_messages(example: Example) -> dict[str, Any] | None:
    match example:
        case Chat(messages, tools):
            return {"messages": messages, **({"tools": tools} if tools else {})}
        case Pair(prompt, completion):
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
            return {"messages": turns}
    return None


def _as_pair(example: Example) -> dict[str, Any] | None:
    """A prompt and its completion; of a conversation only where it is one question and one answer."""
    match example:
        case Pair(prompt, completion):
            return {"prompt": prompt, "completion": completion}
        case Chat(messages) if [turn["role"] for turn in messages] == ["user", "assistant"]:
            return {"prompt": messages[0]["content"], "completion": messages[1]["content"]}
    return None


def _as_text(example: Example) -> dict[str, Any] | None:
    match example:
        case Document(text):
            return {"text": text}
        case Pair(prompt, completion):
            return {"text": prompt + completion}
    return None


_WRITTEN: Final[dict[str, Callable[[Example], dict[str, Any] | None]]] = {
    "messages": _as_messages,
    "prompt_completion": _as_pair,
    "text": _as_text,
}


def rebalance(words: str, setting: Setting) -> Work:
    """Keep at most N rows of each value of a column: `rebalance=label:500`; without N the median's number.

    Raises:
        Problem: N is no number.
    """
    column, _, limit = words.partition(":")
    asked = _number(limit, "rebalance") if limit else None

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        counts = Counter(_value(row, column) for row in rows())
        most = asked or median_low(counts.values()) if counts else 0
        drawn = random.Random(f"rebalance {setting.seed}")
        kept = {value: set(drawn.sample(range(count), min(most, count))) for value, count in counts.items()}
        met: Counter[str] = Counter()
        for row in rows():
            value = _value(row, column)
            met[value] += 1
            if met[value] - 1 in kept[value]:
                yield row
            else:
                note.dropped.add(row.where)

    return work


def _value(row: Row, column: str) -> str:
    """A column's value as one text.

    Raises:
        Problem: the row has no such column.
    """
    if column not in row.values:
        raise Problem(
            f"The row has no column {column}.",
            where=row.where,
            do=f"Its columns are: {', '.join(row.values)}.",
        )
    return as_text(row.values[column])


def _number(text: str, word: str) -> int:
    if not text.isdecimal() or not int(text):
        raise Problem(
            f"{text!r} is no number of one or more.", where=f"--apply {word}", do=f"Write {word}=512."
        )
    return int(text)


def held(words: str, setting: Setting) -> Callable[[Row], bool]:
    """Says which rows go into the evaluation file: `resplit=customer:0.1` keeps a customer's rows together.

    Raises:
        Problem: the share is no number between 0 and 1.
    """
    column, _, text = words.rpartition(":")
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not column or not 0 < share < 1:
        raise Problem(
            f"{words!r} is no column with a share.",
            where=f"--apply resplit={words}",
            do="Write resplit=COLUMN:0.1.",
        )

    def chosen(row: Row) -> bool:
        # Drawn by the value alone: a row that is added later does not move the others.
        return random.Random(f"resplit {setting.seed} {_value(row, column)}").random() < share

    return chosen
