"""Takes the fingerprints of a model's folder and of prepared rows."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.data.dataset import Dataset
from engine.data.prepare import Prepared
from engine.data.tokenizer import ModelTokenizer
from engine.hub.cache import read_json
from engine.lessons.lesson import ModelPrint
from engine.lessons.prints import Prints
from engine.memory.facts import facts_in
from engine.recipe.recipe import Recipe

_HEAD: Final = 4 << 20
"""Bytes from both ends by which a larger file is known, beside its size."""
_DIGITS: Final = 8
_ROWS_AS: Final = ("data_format", "mapping", "objective")
"""Fields that decide what a line of a file means."""


def prints_of(data: Prepared, tokenizer: ModelTokenizer, recipe: Recipe) -> Prints:
    """What the rows of a run, cut and encoded, are known by."""
    model = model_print(recipe.model, read_json(tokenizer.folder / "config.json"))
    train, held = _origin(data.train, recipe), _origin(data.eval, recipe)
    spoken = data.form == "chat"
    return Prints(
        family=model.family,
        layers=model.layers,
        hidden=model.hidden,
        vocabulary=model.vocabulary,
        rows=_digest([train.encode(), held.encode()]),
        held=held,
        template=_digest([(tokenizer.template.source or "plain").encode("utf-8", "replace")])
        if spoken
        else "",
        mask=_encoded(data.eval),
        tokenizer=_file(tokenizer.folder / "tokenizer.json"),
    )


def model_print(name: str, config: dict[str, Any]) -> ModelPrint:
    """What a model is known by, from its configuration; with an empty one by its name alone."""
    facts = facts_in(config)
    if facts is None:
        return ModelPrint(name=name)
    return ModelPrint(
        name=name,
        family=facts.kind,
        parameters=facts.parameters,
        layers=facts.layers,
        hidden=facts.hidden,
        vocabulary=facts.vocabulary,
    )


def _origin(data: Dataset | None, recipe: Recipe) -> str:
    """Of the contents of the files, and of which of their lines the rows are."""
    if data is None:
        return ""
    rows = data.rows
    meaning = msgspec.json.encode([getattr(recipe, name) for name in _ROWS_AS])
    names = [rows.files[file] for file in sorted({rows.file_of[row] for row in data.index})]
    files = [(_file(Path(name)) or name).encode("utf-8", "surrogateescape") for name in names]
    lines = array("I", (rows.line_of[row] for row in data.index))
    return _digest([meaning, *files, lines.tobytes()])


def _encoded(data: Dataset | None) -> str:
    if data is None:
        return ""
    rows = (data.row(i) for i in range(len(data)))
    return _digest(part for ids, mask in rows for part in (ids.tobytes(), mask))


def _file(path: Path) -> str:
    """Of a file's contents, from both ends where it is large; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            parts = [size.to_bytes(8, "little"), file.read(_HEAD)]
            if size > _HEAD:
                file.seek(max(size - _HEAD, _HEAD))
                parts.append(file.read(_HEAD))
    except OSError:
        return ""
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGITS)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
