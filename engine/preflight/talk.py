"""What a front end and the side job that checks its recipe say to each other; all of it is JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.preflight.verdict import Verdict


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Check this recipe; a newer look takes the place of one that is not done."""

    number: int
    """The answer bears it."""
    text: str
    path: str
    """Where the recipe lies, or would: its relative paths start in that folder."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now."""

    number: int
    verdict: Verdict
    done: bool
    """False while the rows are still looked at."""


_looks: Final[msgspec.json.Decoder[Look]] = msgspec.json.Decoder(Look)
_told: Final[msgspec.json.Decoder[Told]] = msgspec.json.Decoder(Told)


def encode(message: Look | Told) -> bytes:
    """As it travels."""
    return msgspec.json.encode(message)


def look(body: bytes) -> Look:
    """A front end's wish."""
    return _looks.decode(body)


def told(body: bytes) -> Told:
    """The side job's answer."""
    return _told.decode(body)
