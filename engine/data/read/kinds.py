"""Tells by its first bytes what a file is that holds no text."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from engine.data.refusal import Refusal

HEAD: Final = 16
"""Bytes of a file's beginning that are looked at."""

_UNPACK: Final = "Unpack it first: {} {}"
_TABLE: Final = "Save its rows as JSON Lines or CSV."
_ROWS: Final = "Name the file that holds the rows."
_KINDS: Final[dict[bytes, tuple[str, str]]] = {
    b"\x1f\x8b": ("packed with gzip", _UNPACK.format("gunzip -k", "{}")),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", _UNPACK.format("zstd -d", "{}")),
    b"BZh": ("packed with bzip2", _UNPACK.format("bunzip2 -k", "{}")),
    b"\xfd7zXZ\0": ("packed with xz", _UNPACK.format("unxz -k", "{}")),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "Unpack it, or save the spreadsheet as CSV."),
    b"PAR1": ("a Parquet table", _TABLE),
    b"ARROW1": ("an Arrow table", _TABLE),
    b"SQLite format 3\0": ("an SQLite database", _TABLE),
    b"\x89PNG": ("a PNG picture", _ROWS),
    b"\xff\xd8\xff": ("a JPEG picture", _ROWS),
    b"\x7fELF": ("a program", _ROWS),
    b"GGUF": ("a GGUF model", _ROWS),
    b"%PDF-": ("a PDF document", "Save its text as .txt."),
}
_WIDE: Final[dict[bytes, str]] = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def prove_text(path: Path, head: bytes) -> None:
    """Refuse the file whose first bytes are `head` where they are those of something else than UTF-8 text."""
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            raise Refusal(
                "dataset_encoding_or_parse",
                f"The file is {encoding}, not UTF-8.",
                where=f"{path}:1",
                why=f"Its first bytes are a {encoding} byte-order mark.",
                do=convert(path, encoding),
            )
    for mark, (kind, do) in _KINDS.items():
        if head.startswith(mark):
            raise Refusal(
                "dataset_format",
                f"The file is {kind}, and no text.",
                where=str(path),
                why="Its first bytes say so.",
                do=do.format(shlex.quote(path.name)),
            )


def convert(path: Path, encoding: str) -> str:
    """What to do with a text in another encoding."""
    old, new = shlex.quote(path.name), shlex.quote(f"utf8-{path.name}")
    return f"Convert it: iconv -f {encoding} -t UTF-8 {old} > {new}"
