"""Opens data files as strict UTF-8 lines, and says where and why one cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from engine import reading
from engine.data.read.kinds import HEAD, convert, prove_text
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import TOP, Start

LINE_BYTES: Final = 64 << 20
"""No line of a data file may be longer; one that is, is no line of rows but another kind of file."""
WHOLE_BYTES: Final = 1 << 30
"""A file that has to be read whole (a JSON array) may be no larger."""

_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = 1 << 16
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def decoded_lines(path: Path, start: Start = TOP, bad: Bad | None = None) -> Iterator[tuple[Start, str]]:
    """The lines from `start` on with their line ends, each with where it begins, without a byte-order mark.

    Raises:
        Refusal: the file cannot be opened, is not UTF-8, or has a line above `LINE_BYTES`.
    """
    with opened(path) as file:
        if _mac_line_ends(file):
            _prove_size(path, file)
            text = _decode(path, 1, file.read().removeprefix(_BOM))
            lines = enumerate(_LINE.findall(text), 1)
            yield from ((Start(0, number), line) for number, line in lines if number >= start.line)
            return
        offset, number = start
        file.seek(offset)
        while line := file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise _too_long(path, number)
            mark = len(_BOM) if not offset and line.startswith(_BOM) else 0
            try:
                text = _decode(path, number, line[mark:])
            except Refusal as refusal:
                or_raise(bad, refusal, line.decode(errors="replace"))
            else:
                yield Start(offset + mark, number), text
            offset += len(line)
            number += 1


def whole_text(path: Path) -> tuple[str, int]:
    """The file's text without a byte-order mark, and the bytes of that mark.

    Raises:
        Refusal: the file cannot be opened, is not UTF-8, or is above `WHOLE_BYTES`.
    """
    with opened(path) as file:
        _prove_size(path, file)
        raw = file.read()
    mark = len(_BOM) if raw.startswith(_BOM) else 0
    raw = raw[mark:]
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise _undecodable(path, number, error) from None
    if "\0" in text:
        raise _null(path, text.count("\n", 0, text.index("\0")) + 1)
    return text, mark


def opened(path: Path) -> BinaryIO:
    """The file, open for reading bytes; refused where it is no file, or its first bytes are not of text."""
    try:
        file = reading.opened(path)
        head = file.read(HEAD)
    except OSError as error:
        raise _unopened(path, error) from None
    try:
        prove_text(path, head)
    except Refusal:
        file.close()
        raise
    file.seek(0)
    return file


def _prove_size(path: Path, file: BinaryIO) -> None:
    if os.fstat(file.fileno()).st_size > WHOLE_BYTES:
        raise Refusal(
            "dataset_encoding_or_parse",
            "The file is too large to be read as one document.",
            where=str(path),
            why=f"It has to be held whole, because it has no lines, and is above {WHOLE_BYTES >> 20:,} MiB.",
            do="Save it as JSON Lines: one object a line, in a file that ends in .jsonl.",
        )


def _mac_line_ends(file: BinaryIO) -> bool:
    head = file.read(_HEAD)
    file.seek(0)
    return b"\r" in head.rstrip(b"\r") and b"\n" not in head


def _decode(path: Path, number: int, line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(path, number, error) from None
    if "\0" in text:
        raise _null(path, number)
    return text


def _undecodable(path: Path, number: int, error: UnicodeDecodeError) -> Refusal:
    byte = error.object[error.start]
    return Refusal(
        "dataset_encoding_or_parse",
        "The line is not valid UTF-8.",
        where=f"{path}:{number}",
        why=f"Byte 0x{byte:02X} cannot stand there: {error.reason}. The file may be Latin-1 or Windows-1252.",
        do=convert(path, "WINDOWS-1252"),
    )


def _null(path: Path, number: int) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        "The line holds a null byte, which no text does.",
        where=f"{path}:{number}",
        why="The file is binary, or UTF-16, or was damaged: a full disk or a crash leaves such bytes.",
        do="Check that the file is what its name says, and make it again.",
    )


def _too_long(path: Path, number: int) -> Refusal:
    return Refusal(
        "dataset_encoding_or_parse",
        f"The line is longer than {LINE_BYTES >> 20} MiB.",
        where=f"{path}:{number}",
        why="Rows are one to a line, so this is probably another kind of file.",
        do="Check that the file is what its name says, or split the row.",
    )


def _unopened(path: Path, error: OSError) -> Refusal:
    if isinstance(error, FileNotFoundError):
        return Refusal(
            "dataset_format",
            "The data file does not exist.",
            where=str(path),
            do="Check the path; relative paths count from the recipe's folder.",
        )
    return Refusal(
        "dataset_format",
        "The data file cannot be opened.",
        where=str(path),
        why=f"{error.strerror or error}.",
        do="Name a file that you may read; what comes by a pipe has to be saved to one.",
    )
