"""Unpacks gzip and zstd while they are read, and stops at what a bomb would be."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from engine.data.refusal import Refusal

MOST_TIMES: Final = 1000
"""A packed byte may become so many; rows of one template with a number changed came to 33 with gzip and 122
with zstd, a file of nothing but zeros comes to 1,030 and 30,000."""
UNPACKED_BYTES: Final = 1 << 38
"""256 GiB: more text than any adapter is tuned on, and what a day of reading takes."""
_FREE: Final = 64 << 20
"""Bytes that may come out before the ratio counts."""
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
PACKED_SUFFIXES: Final = (".gz", ".zst", ".zstd")
_ZSTD_BYTES: Final = 2048
"""Taken in at once: a block of 4 bytes can become 128 KiB, so these become 64 MiB at most."""
_BUFFER: Final = 1 << 17


def packing(head: bytes) -> str | None:
    """`gzip` or `zstd` for a file that begins so."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def unpacked(path: Path, raw: BinaryIO, how: str) -> io.BufferedReader:
    """The bytes that are packed in `raw`, which is closed with what is returned; refusals come in reading."""
    if how == "gzip":
        return io.BufferedReader(_Unpacked(path, raw, gzip.GzipFile(fileobj=raw, mode="rb").read1), _BUFFER)
    return io.BufferedReader(_Unpacked(path, raw, _Zstd(raw).read), _BUFFER)


class _Zstd:
    """Frames of zstd, one after the other; the reader of the library takes a torn file for a whole one."""

    def __init__(self, raw: BinaryIO) -> None:
        # Imported on use: few files need it.
        import zstandard

        self._raw = raw
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: Any = None
        self._packed = b""
        self._out = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Some bytes, empty at the end.

        Raises:
            EOFError: the last frame is not whole.
        """
        while not self._out:
            if not self._packed and not (packed := self._raw.read(_ZSTD_BYTES)):
                if self._frame is not None:
                    raise EOFError("the last frame is not whole")
                return b""
            packed, self._packed = self._packed or packed, b""
            self._frame = self._frame or self._decompressor.decompressobj()
            self._out = memoryview(self._frame.decompress(packed))
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        found, self._out = bytes(self._out[:size]), self._out[size:]
        return found


class _Unpacked(io.RawIOBase):
    """Counts what comes out, against what went in."""

    def __init__(self, path: Path, raw: BinaryIO, read: Callable[[int], bytes]) -> None:
        self._path, self._raw, self._read = path, raw, read
        self._out = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes.

        Raises:
            Refusal: it is damaged, or grows beyond all measure.
        """
        view = memoryview(buffer)
        try:
            data = self._read(len(view))
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(self._path, error) from None
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            raise _damaged(self._path, error) from None
        view[: len(data)] = data
        self._out += len(data)
        if self._out > _FREE and self._out > min(MOST_TIMES * self._raw.tell(), UNPACKED_BYTES):
            raise _bomb(self._path, self._out, self._raw.tell())
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _damaged(path: Path, error: Exception) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        "The packed file is damaged, or breaks off.",
        where=str(path),
        why=f"Unpacking it ends with: {error}.",
        do="Fetch or pack it again; gunzip -t or zstd -t tells whether it is whole.",
    )


def _bomb(path: Path, out: int, taken: int) -> Refusal:
    if out > UNPACKED_BYTES:
        why = f"More than {UNPACKED_BYTES >> 30} GiB come out of it."
    else:
        why = f"{taken:,} bytes of it have become {out:,}, and {MOST_TIMES} times as many are the limit."
    return Refusal(
        "dataset_format",
        "The packed file grows beyond all measure.",
        where=str(path),
        why=why,
        do="If you trust it, unpack it by hand and name what comes out.",
    )
