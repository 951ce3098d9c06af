"""The locks that let one engine write in a home, and tell which process that is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final, TextIO

from engine.paths import engine_name, socket_folder
from engine.run_dir import host_name

_LENGTH: Final = 20


class Alone:
    """Holds the locks of one home's engine for the life of this process, once `take` has succeeded.

    There are two: beside the socket, and in the home, where no cleaner of /tmp removes it.
    The latter has the machine's name, because machines that share a home have an engine each.
    """

    def __init__(self, root: Path) -> None:
        self._files: list[TextIO] = []
        self._places = (_beside_socket(root), _in_home(root))

    def take(self) -> bool:
        """True where this process is the home's only engine from now on."""
        self.release()
        for place in self._places:
            # "a": the name of the process that holds it must not be cut away by one that fails.
            file: TextIO = place.open("a")
            self._files.append(file)
            if not _locked(file):
                self.release()
                return False
        for file in self._files:
            with contextlib.suppress(OSError):  # a full disk takes no name, and the lock holds all the same
                os.truncate(file.fileno(), 0)
                os.write(file.fileno(), b"%d\n" % os.getpid())
        return True

    def release(self) -> None:
        """Let go, for another to try."""
        for file in self._files:
            file.close()
        self._files = []


def holder(root: Path) -> int | None:
    """The process that is the home's engine, whether it answers or not; None where there is none."""
    for place in (_in_home(root), _beside_socket(root)):
        with contextlib.suppress(OSError, ValueError), place.open() as file:
            pid = int(file.read(_LENGTH))
            if not _locked(file):
                return pid
    return None


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: the other one has to do
        return True
    return True


def _beside_socket(root: Path) -> Path:
    return socket_folder() / f"{engine_name(root)}.lock"


def _in_home(root: Path) -> Path:
    return root / f".engine-{host_name()}.lock"
