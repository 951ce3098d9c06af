"""The front ends that are attached, what each of them watches, and when one has gone silent."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import msgspec

from engine import messages as m
from engine.bus import SILENT, Mailboxes

_PREFIX: Final = "front-"
"""How the mailboxes of front ends are called."""
_GRACE: Final = 2.0
"""Seconds by which the engine is slower to forget a front end than that one is to greet it anew."""


class Front(msgspec.Struct):
    """One attached front end."""

    name: str
    app: bool
    context: m.JobContext | None
    version: str
    came: float
    """When it was greeted, on the monotonic clock."""
    watched: set[str] = msgspec.field(default_factory=set)


class Fronts:
    """Every attached front end, by name."""

    def __init__(self, boxes: Mailboxes) -> None:
        self._boxes = boxes
        self._fronts: dict[str, Front] = {}
        self.alone_since = time.monotonic()
        """Since when nobody has been attached; moves on while somebody is."""

    def hello(self, message: m.Hello) -> Front:
        """A front end came, or came again."""
        front = Front(message.front, message.app, message.context, message.version, time.monotonic())
        self._fronts[message.front] = front
        return front

    def bye(self, name: str) -> None:
        """A front end left."""
        self._fronts.pop(name, None)
        self._boxes.close(name)

    def get(self, name: str) -> Front | None:
        """The front end of that name, if it is attached."""
        return self._fronts.get(name)

    @property
    def names(self) -> list[str]:
        """All of them."""
        return list(self._fronts)

    @property
    def apps(self) -> list[Front]:
        """The full-screen apps among them."""
        return [front for front in self._fronts.values() if front.app]

    def __len__(self) -> int:
        return len(self._fronts)

    def send(self, names: Iterable[str], message: m.Message) -> None:
        """Put one message into several mailboxes."""
        data: bytes | None = None
        for name in names:
            data = data or m.encode(message)
            self._boxes.put(name, [data])

    def send_apps(self, message: m.Message) -> None:
        """Put one message into the mailbox of every full-screen app."""
        self.send([front.name for front in self.apps], message)

    def watchers(self, run: str) -> list[str]:
        """Who watches that run."""
        return [front.name for front in self._fronts.values() if run in front.watched]

    def overflowed(self) -> list[Front]:
        """Front ends that stopped reading long enough to lose messages."""
        return [front for front in self._fronts.values() if self._boxes.overflowed(front.name)]

    def forgive(self) -> None:
        """Nobody could be heard for a while: take everyone as heard now."""
        self.alone_since = time.monotonic()
        for front in self._fronts.values():
            front.came = self.alone_since

    def drop_silent(self) -> None:
        """Forget front ends that have not polled for a while: silence means absence."""
        now = time.monotonic()
        for front in list(self._fronts.values()):
            heard = max(self._boxes.seen(front.name) or 0.0, front.came)
            if now - heard > SILENT + _GRACE:
                self.bye(front.name)
        for name in self._boxes.names():
            if name.startswith(_PREFIX) and name not in self._fronts:
                self._boxes.close(name)  # an answer to someone who had left
        if self._fronts:
            self.alone_since = now
