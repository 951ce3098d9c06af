"""A lock file for each card in a folder of the machine's, so that two engines never lease one card.

Whoever leases a card locks it alone for a moment, then shares the lock with the processes that work on it.
The kernel lets go when the last of them ends, however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pwd
import re
import stat
from pathlib import Path
from typing import Final

_FOLDER: Final = "/tmp/openlora-cards"
"""One place that all users of a machine know."""
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Locks:
    """The locks that this process holds, by the UUIDs of the cards."""

    def __init__(self, folder: Path | None = None) -> None:
        self._chosen = folder
        self._files: dict[str, int] = {}
        self._told = False

    def take(self, uuid: str) -> bool:
        """True where the card is this process's from now on: nobody else holds it, or it was so before."""
        if uuid in self._files:
            return True
        file = self._opened(uuid)
        if file is None:
            return True  # without a folder for locks, what this engine knows itself has to do
        # From alone to shared is not one step: who comes in between has it, and is seen by the second.
        if _locked(file, fcntl.LOCK_EX) and _locked(file, fcntl.LOCK_SH):
            self._files[uuid] = file
            return True
        os.close(file)
        return False

    def share(self, uuid: str) -> bool:
        """Hold it beside the processes that do already; False where someone takes it alone just now."""
        if uuid in self._files:
            return True
        file = self._opened(uuid)
        if file is None:
            return True
        if not _locked(file, fcntl.LOCK_SH):
            os.close(file)
            return False
        self._files[uuid] = file
        return True

    def keep(self, uuids: set[str]) -> None:
        """Let go of all others."""
        for uuid in self._files.keys() - uuids:
            os.close(self._files.pop(uuid))

    def holder(self, uuid: str) -> str:
        """Who holds the card, for people."""
        found = _holder(self._folder / _name(uuid))
        if found is None:
            return "which another OpenLoRA holds"
        pid, user = found
        return f"which OpenLoRA of {user} holds (process {pid})"

    @property
    def _folder(self) -> Path:
        return self._chosen or Path(os.environ.get("OPENLORA_CARD_LOCKS") or _FOLDER)

    def _opened(self, uuid: str) -> int | None:
        path = self._folder / _name(uuid)
        try:
            _made(self._folder)
            while True:
                file = _file(path)
                if os.fstat(file).st_ino == path.stat().st_ino:
                    return file
                os.close(file)  # a cleaner of /tmp removed it in between
        except OSError as error:
            if not self._told:
                self._told = True
                logging.warning("cards are leased without locks: %s", error)
            return None


_FOR_LIFE: Final = Locks()


def hold_shown(device: str) -> None:
    """Hold the cards that this process is shown for as long as it lives, beside whoever leased them to it."""
    if device.startswith("cuda"):
        for uuid in filter(None, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")):
            _FOR_LIFE.share(uuid)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o777)
        folder.chmod(0o1777)  # each user's engine puts files there, and none can remove another's
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise NotADirectoryError(f"{folder} is no folder") from None


def _file(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError:
        try:
            # Not O_CREAT alone: kernels with fs.protected_regular refuse that for others' files.
            file = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return os.open(path, _FLAGS)
        os.fchmod(file, 0o644)  # whatever the umask: others have to open it
        return file


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _name(uuid: str) -> str:
    return re.sub(r"[^0-9A-Za-z-]", "_", uuid) + ".lock"


def _holder(path: Path) -> tuple[int, str] | None:
    """Process and user that lock the file, as the kernel lists them; None where it does not tell."""
    try:
        inode = path.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "FLOCK" in words and words[-3].rpartition(":")[2] == str(inode):
                pid = int(words[-4])
                owner = os.stat(f"/proc/{pid}").st_uid
                return pid, _user(owner)
    except (OSError, ValueError, IndexError):
        pass
    return None


def _user(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"
