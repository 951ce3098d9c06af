"""Keeps encoded rows: one process encodes them, every other maps them.

An entry is a folder named by its key. It is whole or not there (`engine.atomic`), its arrays are proved by a
hash whenever it is opened, and whoever maps it holds a shared lock on it, so that a pruner knows. Whatever
goes wrong here costs only the time that the rows take to be encoded.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from engine import atomic, room
from engine.data.dataset import ARRAYS, Rows
from engine.data.rejects import NAME as REJECTS
from engine.data.rejects import Keep, Kept
from engine.room import Need

META: Final = "meta.json"
LOCK: Final = ".lock"
_TOLD: Final = "told.json"
_POLL: Final = 0.1
_SPARE: Final = 1 << 30
"""Bytes that stay free on the disk, for checkpoints: what is kept here can be made again."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says of itself."""

    data: list[str]
    """The files that were read."""
    files: list[str]
    rows: int
    tokens: int
    highest: int
    digest: str = ""
    """Of the arrays in their order, of what is told, of the bad rows, and of the rest of this."""


class Found(msgspec.Struct):
    """An entry as it is read."""

    rows: Rows
    told: bytes
    rejects: bytes
    """Lines of the file that keeps bad rows; empty where there were none."""


class Shelf:
    """The entries of a home.

    Args:
        folder: where they lie.
        say: is told what a person may want to know.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say

    @contextmanager
    def place(self, key: Callable[[], str], waiting: Callable[[], None]) -> Iterator[Place]:
        """The place of an entry, to be filled by this process alone if it is empty.

        Args:
            key: gives the entry's name; asked again before the entry is put there.
            waiting: called now and then while another process fills it.
        """
        place = Place(key, self._say)
        with ExitStack() as stack:
            try:
                place.target = self._folder / key()
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not place.look():
                    stack.enter_context(_alone(place.target, waiting))
                    place.mine = not place.look() and (not place.target.exists() or remove(place.target))
            except OSError as error:
                self._say(f"encoded rows are not shared: {error}")
            stack.callback(place.drop)
            yield place


class Place:
    """Where one entry lies, or will lie.

    Attributes:
        found: the entry, once it is there.
        made: this process has put it there.
        mine: the place is empty, and this process alone may fill it.
    """

    def __init__(self, key: Callable[[], str], say: Callable[[str], None]) -> None:
        self.target = Path()
        self.found: Found | None = None
        self.made = self.mine = self._damaged = False
        self._key, self._say = key, say
        self._rejects: Kept | None = None
        self._draft = ExitStack()
        self._folder = Path()

    def look(self) -> bool:
        """True where the entry is there and sound."""
        if not self.target.is_dir():
            return False
        try:
            self.found = opened(self.target)
        except (OSError, TypeError, ValueError, msgspec.DecodeError) as error:
            if not self._damaged:
                self._damaged = True
                self._say(f"{self.target} is damaged and is not used: {error}")
            return False
        return True

    def beside(self, keep: Keep) -> Keep:
        """`keep`, and the same rows kept with the entry."""
        if not self.mine:
            return keep
        try:
            self._folder = self._draft.enter_context(atomic.draft(self.target))
            self._rejects = self._draft.enter_context(Kept(self._folder / REJECTS))
        except OSError as error:
            self._give_up(error)
            return keep

        def both(refusal: Any, where: str, raw: str) -> None:
            keep(refusal, where, raw)
            if self._rejects is not None:
                try:
                    self._rejects.keep(refusal, where, raw)
                except OSError as error:
                    self._give_up(error)

        return both

    def put(self, rows: Rows, told: bytes | None, data: list[str]) -> None:
        """Fill the place, and map what was put there; where that fails the rows stay as they are."""
        if told is None or not self.mine or self._rejects is None:
            return
        size = sum(memoryview(part).nbytes for part in rows.arrays.values())
        try:
            if not room.fits(Need(what="encoded rows", bytes=size + _SPARE, folder=self.target.parent)):
                self._say("the disk has little room: the encoded rows are not kept for the next start")
                return
            self._rejects.__exit__(None, None, None)
            _write(self._folder, rows, told, data)
            if self._key() != self.target.name:
                self._say("a file changed while it was read: the encoded rows are not kept")
                return
            atomic.publish(self._folder, self.target)
            self.made = self.look()
        except OSError as error:
            self._give_up(error)

    def drop(self) -> None:
        """Leave nothing unfinished behind."""
        self._rejects = None
        with suppress(OSError):
            self._draft.close()

    def _give_up(self, error: OSError) -> None:
        self.mine = False
        self._say(f"the encoded rows are not kept for the next start: {error.strerror or error}")
        self.drop()


def opened(folder: Path) -> Found:
    """Map the entry in `folder`, and hold it for as long as its rows are used.

    Raises:
        OSError, TypeError, ValueError, msgspec.DecodeError: it is not whole.
    """
    held = (folder / META).open("rb")
    with suppress(OSError):  # a file system without locks
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    meta = msgspec.json.decode(held.read(), type=Meta)
    arrays = {name: _mapped(folder / name, kind) for name, kind in ARRAYS.items()}
    told, rejects = (folder / _TOLD).read_bytes(), _bytes(folder / REJECTS)
    if _digest([*arrays.values(), told, rejects], meta) != meta.digest:
        raise ValueError("it is not what was written")
    rows = Rows.of(arrays, meta.files, meta.highest)
    rows.held = held
    with suppress(OSError):
        os.utime(folder)
    return Found(rows, told, rejects)


def _mapped(path: Path, kind: Any) -> Any:
    if not path.stat().st_size:
        return memoryview(b"").cast(kind)
    with path.open("rb") as file:
        # A copy on write, because torch wants memory that could be written; nobody does, so it is shared.
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)).cast(kind)


def _write(folder: Path, rows: Rows, told: bytes, data: list[str]) -> None:
    for name, part in rows.arrays.items():
        (folder / name).write_bytes(memoryview(part))
    (folder / _TOLD).write_bytes(told)
    meta = Meta(data=data, files=rows.files, rows=len(rows), tokens=len(rows.ids), highest=rows.highest)
    digest = _digest([*rows.arrays.values(), told, _bytes(folder / REJECTS)], meta)
    (folder / META).write_bytes(msgspec.json.encode(msgspec.structs.replace(meta, digest=digest)))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _digest(parts: Sequence[Any], meta: Meta) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in (*parts, msgspec.json.encode(msgspec.structs.replace(meta, digest=""))):
        view = memoryview(part)
        digest.update(view.nbytes.to_bytes(8, "little"))
        digest.update(view)
    return digest.hexdigest()


@contextmanager
def _alone(target: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on filling `target`; a process that dies lets it go."""
    # The file stays: who waits for it and who comes later have to meet at the same one.
    with target.with_name(f"{target.name}{LOCK}").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(_POLL)
        yield


def remove(folder: Path) -> bool:
    """Remove an entry, unless somebody uses it; True where it is gone."""
    try:
        with (folder / META).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
