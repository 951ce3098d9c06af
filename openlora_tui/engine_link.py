"""The door to the engine as the app sees it, so that tests can stand in for the engine."""

from __future__ import annotations

from typing import Protocol

from engine.messages import Message, ToFront


class EngineLink(Protocol):
    """A connection that starts the engine if need be and reconnects by itself; no member ever blocks."""

    @property
    def connected(self) -> bool:
        """True while the engine answers."""

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; empty while there is one."""

    @property
    def front(self) -> str:
        """The id of this front end, which its messages carry."""

    def start(self) -> None:
        """Begin to connect, in the background."""

    def send(self, message: Message) -> None:
        """Queue one message."""

    def receive(self) -> list[ToFront]:
        """The messages that have come since the last call."""

    def close(self) -> None:
        """Say goodbye, which leaves the engine and its workers running."""
