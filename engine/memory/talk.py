"""What a front end and the side job that prices its recipe say to each other; all of it is JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.memory.answer import Answer
from engine.memory.experience import Experience


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Price this recipe; a newer wish takes the place of one that is not done."""

    number: int
    """The answer bears it."""
    text: str
    path: str
    """Where the recipe lies, or would: its relative paths start in that folder."""
    gpu_memory: str = ""
    """A card to price it for, as `--gpu-memory` takes it; empty for this machine's device."""
    past: Experience | None = None
    """What past runs took against the formula, which only the front end knows."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now."""

    number: int
    answer: Answer | None = None
    problem: dict[str, str] | None = None
    """Why there is none."""
    done: bool = True
    """False while the largest micro-batch, or a change, is still looked for."""


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
