"""A row as checks look at it: what is asked, and what is learnt."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair, is_learnt
from engine.mapping.path import said as as_text

_NOTHING: Final[frozenset[str]] = frozenset()


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
    odd: frozenset[str] = _NOTHING
    """Characters of both that do not print, line ends and tabs aside: found once, for several checks."""


def seen(row: Row, example: Example, number: int = 0) -> Seen:
    """Row `number` of all files, read as `example`, with its two sides as plain texts."""
    match example:
        case Document(text):
            prompt, answer = "", text
        case Pair(before, completion):
            prompt, answer = before, completion
        case Chat(messages):
            prompt = "\n".join([turn["content"] for turn in messages if not is_learnt(turn)])
            answer = "\n".join([words_of(turn) for turn in messages if is_learnt(turn)])
    return Seen(row, example, prompt, answer, number, _odd(prompt) | _odd(answer))


def words_of(turn: dict[str, Any]) -> str:
    """A turn's text; of a turn that only calls tools, the calls."""
    if turn["content"].strip() or not turn.get("tool_calls"):
        return str(turn["content"])
    return "\n".join(as_text(call.get("function", call)) for call in turn["tool_calls"])


def said(example: Example) -> str:
    """What user and assistant say, one below the other; system texts and tools are the same in many rows."""
    match example:
        case Document(text):
            return text
        case Pair(prompt, completion):
            return f"{prompt}\n{completion}"
        case Chat(messages):
            return "\n".join(words_of(turn) for turn in messages if turn["role"] in ("user", "assistant"))


def asked(example: Example) -> str:
    """What the user says; empty for a text that is no answer to anything."""
    match example:
        case Document():
            return ""
        case Pair(prompt, _):
            return prompt
        case Chat(messages):
            return "\n".join(turn["content"] for turn in messages if turn["role"] == "user")


def _odd(text: str) -> frozenset[str]:
    text = text.replace("\n", "").replace("\t", "")
    if text.isprintable():
        return _NOTHING
    return frozenset(letter for letter in set(text) if not letter.isprintable() and letter != "\r")
