"""A row as checks look at it: what is asked, and what is learnt."""

from __future__ import annotations

import msgspec

from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair


class Seen(msgspec.Struct, frozen=True):
    """One row that training would take."""

    row: Row
    example: Example
    prompt: str
    """Everything that is not learnt: questions, instructions, system texts, one below the other."""
    answer: str
    """Everything that is learnt."""
    number: int = 0
    """Which row of all files it is, counted from 0."""


def seen(row: Row, example: Example, number: int = 0) -> Seen:
    """Row `number` of all files, read as `example`, with its two sides as plain texts."""
    match example:
        case Document(text):
            return Seen(row, example, "", text, number)
        case Pair(prompt, completion):
            return Seen(row, example, prompt, completion, number)
        case Chat(messages):
            asked = [turn["content"] for turn in messages if turn["role"] != "assistant"]
            learnt = [turn["content"] for turn in messages if turn["role"] == "assistant"]
            return Seen(row, example, "\n".join(asked), "\n".join(learnt), number)


def said(example: Example) -> str:
    """What user and assistant say, one below the other; system texts and tools are the same in many rows."""
    match example:
        case Document(text):
            return text
        case Pair(prompt, completion):
            return f"{prompt}\n{completion}"
        case Chat(messages):
            return "\n".join(turn["content"] for turn in messages if turn["role"] in ("user", "assistant"))
