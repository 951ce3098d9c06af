"""Opens what a person names as a file, which may be anything but one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

UNDECODABLE: Final = (ValueError, RecursionError)
"""What decoders of JSON raise for what is none: broken, not UTF-8, or nested too deeply."""
_KINDS: Final = {
    stat.S_IFDIR: "It is a folder",
    stat.S_IFIFO: "It is a pipe, which can be read only once",
    stat.S_IFSOCK: "It is a socket",
    stat.S_IFCHR: "It is a device",
    stat.S_IFBLK: "It is a device",
}


def opened(path: Path) -> BinaryIO:
    """The file, open for reading its bytes, without ever waiting for one.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe, a socket or a device; `strerror` says which.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind in _KINDS:
            raise OSError(errno.EINVAL, _KINDS[kind], str(path))
        # A pipe that takes the file's place meanwhile would else keep us waiting for its writer.
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except ValueError:  # a null character
        raise OSError(errno.EINVAL, "No file can have such a name", str(path)) from None


def content(path: Path, most: int) -> bytes:
    """All bytes of the file; raises OSError as `opened` does, and where they are more than `most`."""
    with opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"It is larger than {most >> 10:,} KiB", str(path))
    return data
