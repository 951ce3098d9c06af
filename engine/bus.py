"""The one bus: named mailboxes in the engine, which front ends and workers poll and never block on.

A taken message is gone and a mailbox is bounded; what must not be lost is in the runs' files.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from multiprocessing import AuthenticationError
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any, Final

from engine.paths import engine_link, engine_name, socket_folder

ENGINE: Final = "engine"
SILENT: Final = 10.0
"""Seconds after which a front end that has not polled is taken for gone, by itself too."""
_DEPTH: Final = 4096
_BYTES: Final = 64 << 20

LOST: Final = (OSError, EOFError, AuthenticationError)
"""What a call on the bus raises when the engine has gone."""


class Mailboxes:
    """Bounded queues of bytes by name; a full one drops everything and says so once."""

    def __init__(self) -> None:
        self._boxes: dict[str, deque[bytes]] = {}
        self._sizes: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        self._overflowed: set[str] = set()
        self._lock = threading.Lock()
        self._came = threading.Event()

    def put(self, name: str, items: list[bytes]) -> None:
        """Append `items` to the mailbox `name`."""
        if name == ENGINE:
            self._came.set()
        with self._lock:
            box = self._boxes.setdefault(name, deque())
            box.extend(items)
            self._sizes[name] = self._sizes.get(name, 0) + sum(map(len, items))
            if len(box) > _DEPTH or self._sizes[name] > _BYTES:
                box.clear()
                self._sizes[name] = 0
                self._overflowed.add(name)

    def take(self, name: str, limit: int = _DEPTH) -> list[bytes]:
        """Remove and return at most `limit` items of the mailbox `name`, oldest first."""
        with self._lock:
            self._seen[name] = time.monotonic()
            box = self._boxes.get(name)
            if not box:
                return []
            items = [box.popleft() for _ in range(min(limit, len(box)))]
            self._sizes[name] -= sum(map(len, items))
            return items

    def exchange(self, name: str, outgoing: list[bytes], limit: int = _DEPTH) -> list[bytes]:
        """Send `outgoing` to the engine and take from `name`, in one round trip."""
        if outgoing:
            self.put(ENGINE, outgoing)
        return self.take(name, limit)

    def wait(self, seconds: float) -> None:
        """Sleep until something comes for the engine, `seconds` at most."""
        self._came.wait(seconds)
        self._came.clear()

    def seen(self, name: str) -> float | None:
        """When `name` was last taken from, on the monotonic clock, or None."""
        return self._seen.get(name)

    def overflowed(self, name: str) -> bool:
        """True once after a mailbox had to drop its messages."""
        with self._lock:
            was = name in self._overflowed
            self._overflowed.discard(name)
            return was

    def close(self, name: str) -> None:
        """Forget a mailbox."""
        with self._lock:
            self._boxes.pop(name, None)
            self._sizes.pop(name, None)
            self._seen.pop(name, None)
            self._overflowed.discard(name)


class _Manager(BaseManager):
    pass


_Manager.register("mailboxes", exposed=("take", "exchange"))


def serve(root: Path, boxes: Mailboxes) -> Path:
    """Serve `boxes` to this user's processes, and point the home's symlink here; returns the socket.

    Each engine listens at a path of its own, because a manager's client caches a dead
    connection by path.
    """
    key = os.urandom(32)
    folder = socket_folder()
    socket = folder / f"{engine_name(root)}-{os.getpid()}.sock"
    _sweep(folder, engine_name(root))
    _write_private(_key_file(socket), key)

    class Served(BaseManager):
        pass

    Served.register("mailboxes", callable=lambda: boxes, exposed=("take", "exchange"))
    server = Served(address=str(socket), authkey=key).get_server()
    threading.Thread(target=server.serve_forever, name="bus", daemon=True).start()
    link = engine_link(root)
    temporary = link.with_suffix(f".{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(socket.name)
    temporary.replace(link)
    return socket


def withdraw(root: Path, socket: Path) -> None:
    """Take the engine's address away, unless a newer engine has put its own there."""
    link = engine_link(root)
    if link.is_symlink() and link.readlink().name == socket.name:
        link.unlink(missing_ok=True)
    # The listener removes its socket itself when this process ends.
    _key_file(socket).unlink(missing_ok=True)


def connect(root: Path) -> Any:
    """A proxy of the living engine's mailboxes, with `take` and `exchange`.

    Raises:
        one of `LOST` where no engine answers.
    """
    socket = engine_link(root).parent / engine_link(root).readlink().name
    manager = _Manager(address=str(socket), authkey=_key_file(socket).read_bytes())
    manager.connect()
    return manager.mailboxes()  # type: ignore[attr-defined]


def engine_pid(root: Path) -> int | None:
    """The process id in the address of the engine, alive or not."""
    try:
        return int(engine_link(root).readlink().stem.rpartition("-")[2])
    except (OSError, ValueError):
        return None


def _sweep(folder: Path, name: str) -> None:
    """Remove what earlier engines of this home have left; whoever serves holds its lock, so none lives."""
    for left in (*folder.glob(f"{name}-*.sock"), *folder.glob(f"{name}-*.key")):
        left.unlink(missing_ok=True)


def _key_file(socket: Path) -> Path:
    return socket.with_suffix(".key")


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
