"""The line between a side job and the one front end that it works for."""

from __future__ import annotations

from typing import Protocol


class Gone(Exception):
    """The front end left, or does not want the side job any more."""


class Line(Protocol):
    """Bodies are JSON of the job's own kind."""

    device: str
    """`cpu`, or the card that the job was given, such as `cuda:0`; only that one is visible to it."""

    def say(self, body: bytes) -> None:
        """Send `body` to the front end; raises Gone where there is none any more."""

    def hear(self, seconds: float = 0.0) -> bytes | None:
        """The next body that has come, or comes within `seconds`; raises Gone like `say`."""
