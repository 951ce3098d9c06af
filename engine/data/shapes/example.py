"""What a row is once it is read: a text, a pair or a conversation."""

from __future__ import annotations

from typing import Any

import msgspec


class Document(msgspec.Struct, frozen=True):
    """Text of which every token is learnt."""

    text: str


class Pair(msgspec.Struct, frozen=True):
    """A prompt as it stands, and its completion, which alone is learnt."""

    prompt: str
    completion: str


class Chat(msgspec.Struct, frozen=True):
    """Turns as chat templates take them; the assistant's are learnt, but for those of `weight` 0."""

    messages: list[dict[str, Any]]
    tools: list[Any] | None = None


Example = Document | Pair | Chat


def is_learnt(turn: dict[str, Any]) -> bool:
    """True for a turn of a `Chat` that is an answer to learn, with words or calls in it."""
    if turn["role"] != "assistant" or turn.get("weight") == 0:
        return False
    return bool(turn["content"].strip() or turn.get("tool_calls"))
