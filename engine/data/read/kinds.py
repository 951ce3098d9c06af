"""Tells by its first bytes what a file is that holds no text."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from engine.data.refusal import Refusal

MAGIC_BYTES: Final = 16
"""Bytes of a file's beginning that are looked at."""

_UNPACK: Final = "Unpack it first: {} {}"
_TABLE: Final = "Save its rows as JSON Lines or CSV."
_ROWS: Final = "Name the file that holds the rows."
_KINDS: Final[dict[bytes, tuple[str, str]]] = {
    b"\x1f\x8b": ("a gzip archive", _UNPACK.format("gunzip -k", "{}")),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _UNPACK.format("zstd -d", "{}")),
    b"BZh": ("a bzip2 archive", _UNPACK.format("bunzip2 -k", "{}")),
    b"\xfd7zXZ\0": ("an xz archive", _UNPACK.format("unxz -k", "{}")),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "Unpack the archive, or save the spreadsheet as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old Office document", "Save the spreadsheet as CSV, the text as .txt."),
    b"PAR1": ("a Parquet table", "Give it a name that ends in .parquet."),
    b"ARROW1": ("an Arrow table", _TABLE),
    b"SQLite format 3\0": ("an SQLite database", _TABLE),
    b"\x89PNG": ("a PNG picture", _ROWS),
    b"\xff\xd8\xff": ("a JPEG picture", _ROWS),
    b"\x7fELF": ("a program", _ROWS),
    b"GGUF": ("a GGUF model", _ROWS),
    b"version https:": ("the pointer that Git LFS leaves in place of a file", "Fetch it: git lfs pull."),
    b"%PDF-": ("a PDF document", "Save its text as .txt."),
}


def prove_text(path: Path, head: bytes) -> None:
    """Refuse the file whose first bytes are `head` where they are those of something else than rows."""
    found = other_kind(path, head)
    if found is not None:
        kind, do = found
        raise Refusal(
            "dataset_format", f"The file is {kind}.", where=str(path), why="Its first bytes say so.", do=do
        )


def other_kind(path: Path, head: bytes) -> tuple[str, str] | None:
    """What a file that begins so is, and what to do with it; None where that may hold rows."""
    for mark, (kind, do) in _KINDS.items():
        if head.startswith(mark):
            return kind, do.format(shlex.quote(path.name))
    return None
