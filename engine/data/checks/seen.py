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


def seen(row: Row, example: Example) -> Seen:
    """`row`, read as `example`, with its two sides as plain texts."""
    match example:
        case Document(text):
            return Seen(row, example, "", text)
        case Pair(prompt, completion):
            return Seen(row, example, prompt, completion)
        case Chat(messages):
            asked = [turn["content"] for turn in messages if turn["role"] != "assistant"]
            learnt = [turn["content"] for turn in messages if turn["role"] == "assistant"]
            return Seen(row, example, "\n".join(asked), "\n".join(learnt))
