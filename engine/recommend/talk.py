"""What a front end and the side job that recommends say to each other; all of it is JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.lessons.lesson import Lesson
from engine.recommend.values import Recommendation


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Recommend values for this recipe's model and data."""

    text: str
    path: str
    """Where the recipe lies, or would: its relative paths start in that folder."""
    kept: list[str] = []
    """Fields that are decided."""
    lessons: list[Lesson] = []
    """What past runs taught, which only the front end is told."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How far the look at the rows is, and what it came to."""

    share: float
    """From 0 to 1."""
    found: Recommendation | None = None


_ask: Final[msgspec.json.Decoder[Ask]] = msgspec.json.Decoder(Ask)
_told: Final[msgspec.json.Decoder[Told]] = msgspec.json.Decoder(Told)


def encode(message: Ask | Told) -> bytes:
    """As it travels."""
    return msgspec.json.encode(message)


def ask(body: bytes) -> Ask:
    """A front end's wish."""
    return _ask.decode(body)


def told(body: bytes) -> Told:
    """The side job's answer."""
    return _told.decode(body)
