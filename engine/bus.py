"""The one bus: named mailboxes in the engine, which front ends and workers poll and never block on.

A taken message is gone and a mailbox is bounded; what must not be lost is in the runs' files.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, Final

from engine.paths import engine_link

ENGINE: Final = "engine"
SILENT: Final = 10.0
"""Seconds after which a front end that has not polled is taken for gone, by itself too."""
_DEPTH: Final = 4096
_BYTES: Final = 64 << 20

LOST: Final = (OSError, EOFError, AuthenticationError)
"""What a call on the bus raises when the engine has gone, `Silent` among it."""

PATIENCE: Final = 3.0
"""Seconds after which an engine that has not answered is taken for silent."""


class Silent(OSError):
    """The engine with the process id `pid` is there and does not answer: it is stopped, or too busy."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"the engine, process {pid}, does not answer")
        self.pid = pid


class Mailboxes:
    """Bounded queues of bytes by name; a full one drops everything and says so once, the engine's apart."""

    def __init__(self) -> None:
        self._boxes: dict[str, deque[bytes]] = {}
        self._sizes: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        self._overflowed: set[str] = set()
        self._lock = threading.Condition()

    def put(self, name: str, items: list[bytes]) -> None:
        """Append `items` to the mailbox `name`; whoever writes to a full engine waits for room."""
        with self._lock:
            if name == ENGINE:
                self._lock.wait_for(lambda: not self._full(ENGINE))
                self._lock.notify_all()
            box = self._boxes.setdefault(name, deque())
            box.extend(items)
            self._sizes[name] = self._sizes.get(name, 0) + sum(map(len, items))
            if name != ENGINE and self._full(name):
                box.clear()
                self._sizes[name] = 0
                self._overflowed.add(name)

    def take(self, name: str, limit: int = _DEPTH) -> list[bytes]:
        """Remove and return at most `limit` items of the mailbox `name`, oldest first."""
        with self._lock:
            if name == ENGINE and not self._listens():
                self._lock.notify_all()
            self._seen[name] = time.monotonic()
            box = self._boxes.get(name)
            if not box:
                return []
            items = [box.popleft() for _ in range(min(limit, len(box)))]
            self._sizes[name] -= sum(map(len, items))
            if name == ENGINE:
                self._lock.notify_all()
            return items

    def exchange(self, name: str, outgoing: list[bytes], limit: int = _DEPTH) -> list[bytes]:
        """Send `outgoing` to the engine and take from `name`, in one round trip.

        While the engine has not listened for long, nobody is answered: so they notice.
        """
        if outgoing:
            self.put(ENGINE, outgoing)
        with self._lock:
            self._lock.wait_for(self._listens)
        return self.take(name, limit)

    def wait(self, seconds: float) -> None:
        """Sleep until something lies there for the engine, `seconds` at most."""
        with self._lock:
            self._lock.wait_for(lambda: bool(self._boxes.get(ENGINE)), seconds)

    def seen(self, name: str) -> float | None:
        """When `name` was last taken from, on the monotonic clock, or None."""
        return self._seen.get(name)

    def overflowed(self, name: str) -> bool:
        """True once after a mailbox had to drop its messages."""
        with self._lock:
            was = name in self._overflowed
            self._overflowed.discard(name)
            return was

    def names(self) -> list[str]:
        """The mailboxes in which something lies."""
        with self._lock:
            return list(self._boxes)

    def close(self, name: str) -> None:
        """Forget a mailbox."""
        with self._lock:
            self._boxes.pop(name, None)
            self._sizes.pop(name, None)
            self._seen.pop(name, None)
            self._overflowed.discard(name)

    def _listens(self) -> bool:
        listened = self._seen.get(ENGINE)
        return listened is None or time.monotonic() - listened < PATIENCE

    def _full(self, name: str) -> bool:
        return len(self._boxes.get(name, ())) > _DEPTH or self._sizes.get(name, 0) > _BYTES


class Boxes:
    """The engine's mailboxes as another process sees them; for one thread.

    In the place of multiprocessing's own proxy, which connects once more when it is forgotten:
    with an engine that is stopped, no process that has one could end.
    """

    def __init__(self, connection: Connection[Any, Any], ident: str) -> None:
        self._connection = connection
        self._ident = ident

    def take(self, name: str, limit: int = _DEPTH) -> list[bytes]:
        """As `Mailboxes.take`; raises one of `LOST` where the engine goes away."""
        return self._call("take", name, limit)

    def exchange(self, name: str, outgoing: list[bytes], limit: int = _DEPTH) -> list[bytes]:
        """As `Mailboxes.exchange`; raises one of `LOST` where the engine goes away."""
        return self._call("exchange", name, outgoing, limit)

    def _call(self, method: str, *words: object) -> list[bytes]:
        taken: list[bytes] = _asked(self._connection, self._ident, method, *words)
        return taken


def connect(root: Path, patience: float = PATIENCE) -> Boxes:
    """The living engine's mailboxes; a call on them waits for as long as the engine is stopped.

    Args:
        root: the engine's home.
        patience: seconds that the engine may take to answer each step of a greeting.

    Raises:
        Silent: the engine is there and does not answer.
        OSError: there is none, as with the others in `LOST`.
    """
    link = engine_link(root)
    place = link.parent / link.readlink().name
    key = key_file(place).read_bytes()
    try:
        with _dialled(place, key, patience) as first:
            ident, _ = _asked(first, None, "create", "mailboxes")
        connection = _dialled(place, key, patience)
        _asked(connection, None, "accept_connection", threading.current_thread().name)
        _patient(connection.fileno(), 0)
    except BlockingIOError as error:
        raise Silent(engine_pid(root)) from error
    return Boxes(connection, ident)


def engine_pid(root: Path) -> int | None:
    """The process id in the address of the engine, alive or not."""
    try:
        return int(engine_link(root).readlink().stem.rpartition("-")[2])
    except (OSError, ValueError):
        return None


def key_file(place: Path) -> Path:
    """Where the key of the socket at `place` lies."""
    return place.with_suffix(".key")


def _dialled(place: Path, key: bytes, patience: float) -> Connection[Any, Any]:
    """A connection to a manager; raises BlockingIOError where it takes longer than `patience` to answer."""
    with socket.socket(socket.AF_UNIX) as dialling:
        _patient(dialling.fileno(), patience)
        dialling.connect(str(place))
        connection: Connection[Any, Any] = Connection(dialling.detach())
    answer_challenge(connection, key)
    deliver_challenge(connection, key)
    return connection


def _patient(descriptor: int, seconds: float) -> None:
    """Let reads and writes fail after `seconds`; 0 lets them wait for ever."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
    same = socket.socket(fileno=descriptor)
    try:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    finally:
        same.detach()


def _asked(connection: Connection[Any, Any], ident: str | None, method: str, *words: object) -> Any:
    """One call in the protocol of multiprocessing's managers."""
    connection.send((ident, method, words, {}))
    kind, result = connection.recv()
    if kind != "#RETURN":
        raise ConnectionError(str(result))
    return result
