"""What is said of files and lines that cannot be read."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from engine.data.read.encoding import Encoding, decided, is_utf8, readings
from engine.data.refusal import Refusal
from engine.text import one_line

LINE_BYTES: Final = 64 << 20
"""No line and no row of a data file may be longer; one that is, is no row but another kind of file."""
_SHOWN: Final = 40


def unopened(path: Path, error: OSError) -> Refusal:
    """A file that is not there, or none."""
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


def undecodable(path: Path, line: int, raw: bytes, encoding: Encoding) -> Refusal:
    """A line that is not in the file's encoding, or whose encoding nothing tells for certain."""
    if not encoding.name:
        return _unsure(path, line, raw, encoding)
    if encoding.codec != "utf-8" and is_utf8(raw):
        return Refusal(
            "dataset_encoding_or_parse",
            "The line is UTF-8, in a file of another encoding.",
            where=f"{path}:{line}",
            why=f"Other lines are {encoding.name}; two files were probably joined.",
            do="Convert the parts to UTF-8 one by one, and join them then.",
        )
    try:
        raw.decode(encoding.codec)
        byte, said = 0, "it decodes"
    except UnicodeDecodeError as error:
        byte, said = raw[error.start], error.reason
    alone = decided(raw)
    reads = (
        f" As {alone.name} it would read {_extract(raw, alone.codec)}."
        if alone.guessed and alone.name
        else ""
    )
    return Refusal(
        "dataset_encoding_or_parse",
        f"The line is not valid {encoding.name.partition(' ')[0]}.",
        where=f"{path}:{line}",
        why=f"Byte 0x{byte:02X} cannot stand there: {said}.{reads}",
        do="Mend the line; if other lines are like it, parts of several encodings were joined: "
        "convert each by itself with iconv.",
    )


def _unsure(path: Path, line: int, raw: bytes, encoding: Encoding) -> Refusal:
    read = readings(encoding.candidates)
    if not read:
        why, do = (
            "It is not UTF-8, nor readable text in any usual code page: it may be binary or damaged.",
            ("Check that the file is what its name says; iconv -f ENCODING -t UTF-8 converts what you know."),
        )
    else:
        shown = " or ".join(f"{name} (“{one_line(text, _SHOWN)}”)" for name, text in read)
        byte = next((byte for byte in raw if byte > 0x7F), 0)
        why = f"It holds a byte 0x{byte:02X} that is no UTF-8, and may be {shown}."
        do = f"Convert it with the one that reads right: iconv -f {read[0][0]} {_to_utf8(path)}"
    return Refusal(
        "dataset_encoding_or_parse",
        "The line is not valid UTF-8, and its encoding cannot be told for certain.",
        where=f"{path}:{line}",
        why=why,
        do=do,
    )


def _extract(raw: bytes, codec: str) -> str:
    first = next((at for at, byte in enumerate(raw) if byte > 0x7F), 0)
    return (
        "“"
        + one_line(raw[max(first - _SHOWN // 2, 0) : first + _SHOWN].decode(codec, "replace"), _SHOWN)
        + "”"
    )


def _to_utf8(path: Path) -> str:
    return f"-t UTF-8 {shlex.quote(path.name)} > {shlex.quote(f'utf8-{path.name}')}"


def breaks_off(path: Path, encoding: Encoding, error: UnicodeDecodeError) -> Refusal:
    """A file whose bytes end within a character, or are none of its encoding from somewhere on."""
    return Refusal(
        "dataset_encoding_or_parse",
        f"The file is not valid {encoding.name} to its end.",
        where=str(path),
        why=f"{error.reason[:1].upper()}{error.reason[1:]}: it was cut off, or other encodings follow.",
        do="Make the file again, or convert its parts to UTF-8 one by one with iconv.",
    )


def null(path: Path, line: int) -> Refusal:
    """A null byte."""
    return Refusal(
        "dataset_encoding_or_parse",
        "The line holds a null byte, which no text does.",
        where=f"{path}:{line}",
        why="The file is binary, or was damaged: a full disk or a crash leaves such bytes.",
        do="Check that the file is what its name says, and make it again.",
    )


def too_long(path: Path, line: int) -> Refusal:
    """A line or a row above `LINE_BYTES`."""
    return Refusal(
        "dataset_encoding_or_parse",
        f"The line is longer than {LINE_BYTES >> 20} MiB.",
        where=f"{path}:{line}",
        why="Rows are one to a line, so this is probably another kind of file.",
        do="Check that the file is what its name says, or split the row.",
    )
