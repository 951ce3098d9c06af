"""The heads of safetensors files: which tensors they hold, of which type and shape; no tensor is read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from engine import reading

LARGEST: Final = 100_000_000
"""Bytes of a head: the format's own limit."""

Shape = tuple[int, ...]


class Tensor(msgspec.Struct, frozen=True):
    """What a head says of one tensor."""

    dtype: str
    """As the format writes it: F32, BF16, U8 …"""
    shape: Shape


def header(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name: 8 bytes of length, then JSON.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file.
    """
    facts = file.stat()
    return _header(str(file), facts.st_size, facts.st_mtime_ns)


@lru_cache(512)
def _header(path: str, _size: int, _changed: int) -> dict[str, Tensor]:
    with reading.opened(Path(path)) as file:
        size = int.from_bytes(file.read(8), "little")
        raw = msgspec.json.decode(file.read(size)) if size <= LARGEST else None
    if not isinstance(raw, dict):
        raise ValueError("it is no safetensors file")
    return {name: _tensor(value) for name, value in raw.items() if name != "__metadata__"}


def _tensor(value: Any) -> Tensor:
    try:
        return Tensor(str(value["dtype"]), tuple(int(size) for size in value["shape"]))
    except (KeyError, TypeError):
        raise ValueError("it is no safetensors file") from None
