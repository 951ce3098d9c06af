"""The head of a GGUF file: what the model is, read by its length alone and never trusted."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from engine.problem import Problem
from engine.reading import opened

_MAGIC: Final = b"GGUF"
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Types of values by their number, as `struct` calls them."""
_TEXT, _LIST = 8, 9
_LONGEST: Final = 1 << 20
"""Bytes of a text: chat templates have some ten thousand."""
_KEYS: Final = 1 << 12
_PART: Final = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")


class Gguf(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's head tells; 0 or empty where it does not."""

    path: Path
    """The file; of several parts the first."""
    bytes: int
    """Of all parts."""
    name: str = ""
    architecture: str = ""
    layers: int = 0
    context: int = 0
    """Tokens that it was trained for."""
    width: int = 0
    """Numbers that one token takes of one layer's cache, keys and values together."""

    @property
    def called(self) -> str:
        """What a person calls it."""
        return self.name or _PART.sub(r"\1.gguf", self.path.name).removesuffix(".gguf")

    def cache_bytes(self, tokens: int) -> int:
        """Bytes that llama.cpp's cache takes for a context of `tokens`, in 16 bits."""
        return 2 * self.layers * self.width * tokens


def head(path: Path) -> Gguf:
    """What the file's head tells.

    Raises:
        Problem: it cannot be read, is no GGUF file, or a part of it is missing.
    """
    try:
        with opened(path) as file:
            facts = _facts(file)
        size = sum(part.stat().st_size for part in parts(path))
    except FileNotFoundError as error:
        raise Problem(
            "The file is not there.", where=str(error.filename or path), do="Name a GGUF file."
        ) from None
    except OSError as error:
        raise Problem("The file cannot be read.", where=str(path), why=f"{error.strerror}.") from None
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise Problem(
            "This is no GGUF file that can be read.",
            where=str(path),
            why=f"{error}".rstrip(".") + ".",
            do="Name a file that llama.cpp can load, or get one by `openlora advisor pull`.",
        ) from None
    return _read(path, size, facts)


def parts(path: Path) -> list[Path]:
    """The files that a model consists of: itself, or all parts where it is the first of several."""
    found = _PART.fullmatch(path.name)
    if found is None:
        return [path]
    stem, count = found[1], int(found[3])
    return [path.with_name(f"{stem}-{at:05}-of-{count:05}.gguf") for at in range(1, count + 1)]


def _read(path: Path, size: int, facts: dict[str, Any]) -> Gguf:
    kind = str(facts.get("general.architecture", ""))

    def number(name: str, *instead: int) -> int:
        value = facts.get(f"{kind}.{name}")
        return value if isinstance(value, int) and 0 < value < 1 << 40 else next(iter(instead), 0)

    heads, embedding = number("attention.head_count", 1), number("embedding_length")
    each = embedding // heads
    grouped = number("attention.head_count_kv", heads)
    width = grouped * (number("attention.key_length", each) + number("attention.value_length", each))
    return Gguf(
        path=path,
        bytes=size,
        name=str(facts.get("general.name", "")),
        architecture=kind,
        layers=number("block_count"),
        context=number("context_length"),
        width=width,
    )


def _facts(file: BinaryIO) -> dict[str, Any]:
    """The values before the tokenizer's, which are many and come last."""
    magic, version, _, count = struct.unpack("<4sIQQ", file.read(24))
    if magic != _MAGIC or version not in (2, 3):
        raise ValueError("It does not begin as one")
    facts: dict[str, Any] = {}
    for _ in range(min(count, _KEYS)):
        key = _text(file)
        if key.startswith("tokenizer."):
            break
        facts[key] = _value(file, *struct.unpack("<I", file.read(4)))
    return facts


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        inner, count = struct.unpack("<IQ", file.read(12))
        if count > _LONGEST or inner == _LIST:
            raise ValueError("It holds a list that is too long")
        return [_value(file, inner) for _ in range(count)]
    if kind not in _SCALARS:
        raise ValueError("It holds a value of an unknown type")
    code = f"<{_SCALARS[kind]}"
    return struct.unpack(code, file.read(struct.calcsize(code)))[0]


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LONGEST:
        raise ValueError("It holds a text that is too long")
    return file.read(length).decode("utf-8", "replace")
