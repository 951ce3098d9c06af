"""What Parquet and Arrow files have in common: the package that reads them, and what their values become."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from engine import reading
from engine.data.read.complaints import unopened
from engine.data.read.kinds import MAGIC_BYTES, prove_text
from engine.data.refusal import Bad, Refusal, or_raise
from engine.data.row import Row, Start, row_of

_PLAIN: Final = (str, bool, int, float, type(None))


def numbered(path: Path, values: Iterable[Any], number: int, bad: Bad | None) -> Iterator[Row]:
    """Values as rows, the first of them row `number` of the file; that stands for line and offset, too."""
    for at, value in enumerate(values, number):
        try:
            row = row_of(path, Start(at, at + 1), plain(value))
        except Refusal as refusal:
            or_raise(bad, refusal)
        else:
            yield row


@contextmanager
def told(path: Path, form: str) -> Iterator[BinaryIO]:
    """The file, open for a reader of `pyarrow`; what goes wrong there is told as of a file of that form.

    Raises:
        Refusal: the package is not here, or the file is none of that form.
    """
    try:
        from pyarrow import ArrowException
    except ImportError:
        raise Refusal(
            "dependency_version",
            f"{form} files need the package pyarrow, which is not installed.",
            where=str(path),
            do="Install it: pip install 'openlora-tui[train]', or save the rows as JSON Lines.",
        ) from None
    try:
        with _bytes_of(path) as file:
            yield file
    except (ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise Refusal(
            "dataset_encoding_or_parse",
            f"The {form} file cannot be read.",
            where=str(path),
            why=f"Its reader says: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            do="Check that it is whole and what its name says, or save its rows as .jsonl.",
        ) from None


def _bytes_of(path: Path) -> BinaryIO:
    try:
        file = reading.opened(path)
        head = file.read(MAGIC_BYTES)
        file.seek(0)
    except OSError as error:
        raise unopened(path, error) from None
    if not head.startswith((b"PAR1", b"ARROW1")):
        prove_text(path, head)
    return file


def plain(value: Any) -> Any:
    """The value as JSON has it: times as ISO 8601, decimals as text, bytes as UTF-8 or else null."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map
            return {str(key): plain(item) for key, item in value}
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)
