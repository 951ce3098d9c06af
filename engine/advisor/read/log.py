"""Reads a log of any size and kind: what is kept of it, and the curve that it tells of."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

import msgspec
import zstandard

from engine.advisor.read.figures import is_figures, points_in
from engine.problem import Problem
from engine.reading import opened
from engine.text import clean
from engine.watch.point import Point

_HEAD: Final = 400
_TAIL: Final = 4_000
_TELLING_MOST: Final = 2_000
"""Lines kept from the middle of a log: those that could say why it ended."""
_LONGEST: Final = 2_000
"""Characters of a line."""
_BLOCK: Final = 1 << 16
_READ_MOST: Final = 1 << 30
"""Bytes that are unpacked and read at most; what comes behind them is not looked at."""
_PACKED: Final = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MARKS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_STEERING: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_TELLING: Final = re.compile(
    r"error|exception|traceback|warn|assert|fail|killed|abort|memory|overflow|\bnan\b|signal|timeout|mismatch"
    r"|not found|cannot|can't|unable|trainable|refused|denied|space|truncat|dropp|skip|^\s+File \"",
    re.IGNORECASE,
)
_BINARY: Final = {
    b"PK\x03\x04": "a zip archive or a checkpoint",
    b"\x80\x02": "a pickle",
    b"SQLite": "a database",
    b"\x93NUMPY": "an array",
    b"PAR1": "a Parquet file",
    b"GGUF": "a GGUF model",
}


class Log(msgspec.Struct, kw_only=True):
    """What is kept of a log."""

    lines: list[str]
    numbers: list[int]
    """The number of each line in the file, from 1."""
    points: list[Point]
    total: int
    """Lines that the file has, as far as it was read."""


def read_log(path: Path) -> Log:
    """The log in `path`, which may be packed, of many gigabytes, UTF-16, or full of progress bars.

    Raises:
        Problem: it cannot be read, or is no text.
    """
    try:
        with opened(path) as file:
            return log_from(cast(io.BufferedReader, file), str(path))
    except (OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
        why = getattr(error, "strerror", None) or str(error) or "It ends too early"
        raise Problem("The log cannot be read.", where=str(path), why=f"{why}.") from error


def log_from(file: io.BufferedReader, where: str) -> Log:
    """The log that `file` has from its present place on."""
    text = _unpacked(file)
    start = text.peek(8)[:8]
    for mark, kind in _BINARY.items():
        if start.startswith(mark):
            raise Problem(f"This is {kind}, and no log.", where=where, do=_DO)
    coding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8-sig")
    sample = text.peek(_BLOCK)[:_BLOCK]
    if coding == "utf-8-sig" and sample.count(0) * 10 > len(sample):
        raise Problem("This is no text, and so no log.", where=where, do=_DO)
    kept = _Kept()
    points = points_in(kept.taking(_lines(text, coding)))
    return kept.log(points)


_DO: Final = "Give the text that the trainer printed; a table of figures is given with --curve."


def lines_of(text: str) -> list[str]:
    """The lines of a log that is at hand as a text, cleaned as those of a file are."""
    return [_shown(line) for line in text.split("\n")]


class _Kept:
    """The head, the tail, and in between what could tell why a run ended, each line once."""

    def __init__(self) -> None:
        self._head: list[tuple[int, str]] = []
        self._telling: dict[str, int] = {}
        self._tail: deque[tuple[int, str]] = deque(maxlen=_TAIL)
        self._count = 0

    def taking(self, lines: Iterable[str]) -> Iterator[str]:
        """Hand the lines through, and keep what is to be kept."""
        for self._count, line in enumerate(lines, 1):
            if len(self._head) < _HEAD:
                self._head.append((self._count, line))
            else:
                if len(self._tail) == _TAIL:
                    self._left(*self._tail[0])
                self._tail.append((self._count, line))
            yield line

    def _left(self, number: int, line: str) -> None:
        if len(self._telling) < _TELLING_MOST and _TELLING.search(line) and not is_figures(line):
            self._telling.setdefault(line, number)

    def log(self, points: list[Point]) -> Log:
        """All that was kept."""
        middle = [(number, line) for line, number in self._telling.items()]
        kept = [*self._head, *middle, *self._tail]
        return Log(
            lines=[line for _, line in kept],
            numbers=[number for number, _ in kept],
            points=points,
            total=self._count,
        )


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    start = file.peek(8)
    for mark, unpack in _PACKED.items():
        if start.startswith(mark):
            return io.BufferedReader(unpack(file))  # type: ignore[operator]
    if start.startswith(_ZSTD):
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file)
        return io.BufferedReader(reader)
    return file


def _lines(file: io.BufferedReader, coding: str) -> Iterator[str]:
    """The lines as a terminal would have shown them, each cut at a bound."""
    read = 0
    text = io.TextIOWrapper(file, encoding=coding, errors="replace", newline="\n")
    while read < _READ_MOST and (line := text.readline(_BLOCK)):
        read += len(line)
        yield _shown(line)
    text.detach()


def _shown(line: str) -> str:
    """What stays of a line that a progress bar wrote again and again: all but the bars before the last."""
    parts = [part for part in line.strip("\r\n\ufeff").split("\r") if part.strip()]
    told = [part for part in parts[:-1] if not _is_bar(part)]
    text = _STEERING.sub("", " ".join([*told, *parts[-1:]]))
    return clean(text[:_LONGEST]).rstrip()


def _is_bar(part: str) -> bool:
    return "%|" in part
