"""What decides how rows are encoded: where all of it is the same, the encoded rows are too."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

import engine
from engine.data.tokenizer import ModelTokenizer
from engine.recipe.recipe import Recipe
from engine.sources.resolve import Sources

_READ: Final = 32 << 20
"""Bytes up to which a data file is known by its contents: 40 ms; a larger one by what its disk says of it."""
_TOKENIZER: Final = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json",
    "config.json", "chat_template.jinja", "chat_template.json",
)  # fmt: skip
_FIELDS: Final = ("data_format", "mapping", "bad_rows", "max_length", "objective")
"""Of the recipe, beside the rules; a name that a recipe does not have counts as unset."""
_CODE: Final = ("data", "inspection", "mapping", "sources", "templates")
"""Folders of the engine that decide what a row becomes."""
_TODAY: Final = "strftime_now"


def key_of(sources: Sources, recipe: Recipe, tokenizer: ModelTokenizer) -> str:
    """32 hexadecimal digits; raises OSError where a file cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    for part in _parts(sources, recipe, tokenizer):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _parts(sources: Sources, recipe: Recipe, tokenizer: ModelTokenizer) -> Iterator[bytes]:
    yield _code()
    for source in sources.files:
        yield msgspec.json.encode((os.fsencode(source.path), source.entry, source.weight))
        yield _file(source.path)
    if sources.weighted:
        yield str(recipe.seed).encode()
    for name in _TOKENIZER:
        path = tokenizer.folder / name
        yield _contents(path) if path.is_file() else b""
    yield msgspec.json.encode(tokenizer.rules)
    template = tokenizer.template.source or ""
    yield template.encode("utf-8", "backslashreplace")
    yield str(tokenizer.template.day).encode() if _TODAY in template else b""
    yield msgspec.json.encode([getattr(recipe, name, None) for name in _FIELDS])


def _file(path: Path) -> bytes:
    facts = path.stat()
    if facts.st_size <= _READ:
        return _contents(path)
    known = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return msgspec.json.encode(known)


def _contents(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


@cache
def _code() -> bytes:
    """A hash of the program itself: rows that an older one encoded are not taken for its own."""
    root = Path(engine.__file__).parent
    digest = hashlib.blake2b(metadata.version("tokenizers").encode(), digest_size=16)
    for folder in _CODE:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".jinja"):
                digest.update(path.read_bytes())
    return digest.digest()
