"""Writes the new dataset, and beside it how it was made."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from ruamel.yaml import YAML

from engine import __version__, atomic
from engine.data.mend.restructuring import held
from engine.data.mend.setting import Setting
from engine.data.mend.step import Note, Rows, over
from engine.data.mend.words import parsed
from engine.data.read.rows import read_rows
from engine.data.row import Row
from engine.problem import Problem

_TOLD: Final = 512
_BLOCK: Final = 1 << 20


class Made(msgspec.Struct, kw_only=True):
    """A new dataset."""

    path: str
    rows: int
    rows_before: int
    eval_path: str | None = None
    """The second file of a `resplit`."""
    eval_rows: int = 0
    record: str
    """The file that says how it was made."""
    steps: list[Note]


class Mending:
    """One new dataset from some files; `steps` writes it, and then `made` says what came of it.

    Args:
        files: what is read, and never changed.
        words: what is done to the rows, in this order, as `--apply` takes it.
        target: the file that is written, a `.jsonl`.
        setting: how rows are read.
        force: write over a file that is there.

    Raises:
        Problem: a word is not known, or the target cannot be.
    """

    def __init__(
        self,
        files: Sequence[Path],
        words: Sequence[str],
        target: Path,
        setting: Setting,
        *,
        force: bool = False,
    ) -> None:
        self.made: Made | None = None
        self._files = list(files)
        self._words = list(words)
        self._target = target
        steps, resplit = parsed(words, setting)
        self._chosen: Callable[[Row], bool] | None = held(resplit, setting) if resplit else None
        self._eval = target.with_name(f"{target.stem}-eval{target.suffix}") if resplit else None
        for path in filter(None, (target, self._eval)):
            _prove(path, self._files, force=force)
        self._read = 0
        self._size = sum(path.stat().st_size for path in files if path.is_file()) or 1
        self._done = 0
        self._rows: Rows = self._source
        self._notes: list[Note] = []
        for word, work in steps:
            note = Note(apply=word)
            self._notes.append(note)
            self._rows = over(self._rows, work, note)

    def steps(self) -> Iterator[float]:
        """Write everything in small pieces, each followed by how much is done, 0 to 1.

        Raises:
            Problem: a row cannot be read or the file cannot be written; then there is no new file.
        """
        counts = [0, 0]
        try:
            with atomic.stream(self._target) as file:
                if self._eval is None or self._chosen is None:
                    yield from self._write(file, None, counts)
                else:
                    with atomic.stream(self._eval) as other:
                        yield from self._write(file, other, counts)
        except OSError as error:
            raise Problem(
                "The new dataset cannot be written.",
                where=str(error.filename or self._target),
                why=f"{error.strerror or error}.",
                do="Name a file in a folder that you may write, with room for it.",
            ) from error
        self.made = Made(
            path=str(self._target),
            rows=counts[0],
            rows_before=self._read,
            eval_path=str(self._eval) if self._eval else None,
            eval_rows=counts[1],
            record=str(_record_of(self._target)),
            steps=self._notes,
        )
        atomic.write(_record_of(self._target), _record(self.made, self._words, self._files), mode=0o644)
        yield 1.0

    def _write(self, file: BinaryIO, other: BinaryIO | None, counts: list[int]) -> Iterator[float]:
        for number, row in enumerate(self._rows()):
            aside = other is not None and self._chosen is not None and self._chosen(row)
            (other if aside and other is not None else file).write(_line(row.values))
            counts[aside] += 1
            if number % _TOLD == 0:
                yield min(self._done / self._size, 1.0)

    def _source(self) -> Iterator[Row]:
        self._read = self._done = 0
        for path in self._files:
            before = self._done
            for row in read_rows(path):
                self._read += 1
                self._done = before + row.offset
                yield row
            self._done = before + path.stat().st_size


def _prove(path: Path, files: Sequence[Path], *, force: bool) -> None:
    if path.suffix.lower() != ".jsonl":
        raise Problem(
            "The new dataset is written as JSON Lines.",
            where=str(path),
            do=f"Call it {path.with_suffix('.jsonl').name}.",
        )
    if any(path.exists() and file.exists() and os.path.samefile(path, file) for file in files):
        raise Problem(
            "The source is never changed.", where=str(path), do="Choose another name for the new file."
        )
    if os.path.lexists(path) and not force:
        raise Problem("The file exists.", where=str(path), do="Choose another name, or add --force.")


def _line(values: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(values) + b"\n"
    except (
        UnicodeEncodeError,
        OverflowError,
    ):  # half characters and numbers above 64 bits are beyond msgspec
        return json.dumps(values).encode() + b"\n"


def _record_of(target: Path) -> Path:
    return target.with_suffix(".made.yaml")


def _record(made: Made, words: Sequence[str], files: Sequence[Path]) -> bytes:
    """How the dataset was made, as YAML: from which bytes, by which steps, with what effect."""
    steps = [
        {
            "apply": note.apply,
            **({"dropped": len(note.dropped), "first_dropped": note.dropped.first} if note.dropped else {}),
            **({"changed": len(note.changed), "first_changed": note.changed.first} if note.changed else {}),
            **({"added": note.added} if note.added else {}),
        }
        for note in made.steps
    ]
    if made.eval_path is not None:
        steps.append({"apply": words[-1], "file": Path(made.eval_path).name, "rows": made.eval_rows})
    document = {
        "dataset": Path(made.path).name,
        "rows": made.rows,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "openlora": __version__,
        "from": [
            {"file": str(path.resolve()), "bytes": path.stat().st_size, "sha256": _digest(path)}
            for path in files
        ],
        "rows_before": made.rows_before,
        "steps": steps,
    }
    text = io.StringIO()
    yaml = YAML(typ="rt")
    yaml.width = 4096
    yaml.dump(document, text)
    return text.getvalue().encode()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
