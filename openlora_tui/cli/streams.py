"""The standard streams as every command may rely on them: they are there, and take any text."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_PLAIN: Final = {"…": "...", "→": "->", "–": "-", "—": "-", "·": "-", "×": "x", "✓": "+", "▲": "!", "✗": "x"}
_LEFT: Final = frozenset({errno.EPIPE, errno.EIO})


def prepare(*, as_json: bool) -> None:
    """Make the streams whole, and end in order on SIGTERM and SIGHUP.

    JSON is UTF-8 whatever the locale; other text becomes what the stream's encoding can say.
    """
    _stand_in()
    codecs.register_error("openlora", _plain)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _watched(sys.stdout, "utf-8" if as_json else sys.stdout.encoding)
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = _watched(sys.stderr, sys.stderr.encoding)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # under nohup it stays ignored
            signal.signal(number, _leave)


def left(error: OSError) -> bool:
    """True where `error` says that nobody reads any more: a closed pipe, or a terminal that has gone."""
    return error.errno in _LEFT


def failure() -> OSError | None:
    """What keeps our output from being written, if anything does; it goes to /dev/null from then on."""
    found = None
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
        raw = getattr(getattr(stream, "buffer", None), "raw", None)
        if isinstance(raw, _Raw) and raw.failed is not None:
            found, raw.failed = found or raw.failed, None
            os.dup2(os.open(os.devnull, os.O_WRONLY), raw.fileno())
    return found


class _Raw(io.FileIO):
    """Remembers why it could not be written: of an OSError alone nobody knows where it comes from."""

    failed: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            raise


def _watched(stream: io.TextIOWrapper, encoding: str) -> io.TextIOWrapper:
    raw = _Raw(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "openlora", line_buffering=stream.line_buffering
    )


def _stand_in() -> None:
    """/dev/null for what the caller has closed: no file of ours may get the number of a standard stream."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
