"""One thing that a recipe's `data` names: a path with nothing else, or a mapping that says more of it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.hub.names import is_hub_id, is_revision

HEAVIEST: Final = 1000.0
"""Times a row may be repeated in an epoch."""
_GLOB: Final = re.compile(r"[*?[]")
_FILE: Final = re.compile(
    r"\.(jsonl|ndjson|json|csv|tsv|txt|md|parquet|arrow|gz|zst|zip|bz2|xz|yaml|yml)$", re.IGNORECASE
)
"""Endings of files; a dataset of the hub is not called so."""
_BARE: Final = re.compile(r"[A-Za-z_/.][\w/.-]*", re.ASCII)
"""What YAML reads as a text without quotes, a few words such as `null` aside."""
_TEXTS: Final = ("path", "name", "split", "revision")


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A path, a glob, a folder or a dataset of the hub, and how it is meant."""

    path: str
    weight: float | None = None
    """How often an epoch draws each of its rows: 1 (as where it is left out) is once, 0.5 is half of them, 2
    is each of them twice."""
    name: str | None = None
    """The configuration, where a dataset has several."""
    split: str | None = None
    revision: str | None = None
    """Branch, tag or commit of a dataset from the hub."""

    def __str__(self) -> str:
        """As a word of a command line, or a recipe: the path alone where that says it all."""
        if self.plain:
            return self.path
        items = msgspec.to_builtins(self).items()
        return f"{{{', '.join(f'{name}: {_said(value)}' for name, value in items)}}}"

    @property
    def plain(self) -> bool:
        """True where there is nothing to say beside the path."""
        return self == Entry(path=self.path)


def entries_of(value: str | Entry | list[str | Entry] | None) -> list[Entry]:
    """What a field names, as a list, however it is written."""
    items = [] if value is None else value if isinstance(value, list) else [value]
    return [item if isinstance(item, Entry) else Entry(path=item) for item in items]


def short(entry: Entry) -> str | Entry:
    """The entry as a recipe says it: its path alone where that says it all."""
    return entry.path if entry.plain else entry


def entry_from(raw: Mapping[Any, Any]) -> Entry:
    """The entry that a mapping of a recipe makes.

    Raises:
        ValueError: with what is wrong, in words.
    """
    known = Entry.__struct_fields__
    for key in raw:
        if key not in known:
            raise ValueError(f"{key!r} is none of {', '.join(known)}")
    texts = {name: _text(name, raw[name]) for name in _TEXTS if raw.get(name) is not None}
    if not texts.get("path"):
        raise ValueError("it has no path")
    if "revision" in texts and not is_revision(texts["revision"]):
        raise ValueError(f"{texts['revision']!r} can be no branch, tag or commit")
    weight = raw.get("weight")
    return Entry(weight=None if weight is None else _weight(weight), **texts)


def is_glob(path: str) -> bool:
    """True where the path stands for all that match it."""
    return _GLOB.search(path) is not None


def is_dataset(path: str, folder: Path) -> bool:
    """True for a hub dataset's `owner/name`: nothing in `folder` is called so, and no file would be."""
    if path.startswith((".", "/", "~")) or path.count("/") != 1 or not is_hub_id(path) or _FILE.search(path):
        return False
    return not os.path.exists(folder / path) and not os.path.isdir(folder / path.partition("/")[0])


def _said(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if _BARE.fullmatch(value) else msgspec.json.encode(value).decode()


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"its {name} is no text")
    return str(value)


def _weight(value: object) -> float:
    try:
        weight = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        weight = 0.0
    if not math.isfinite(weight) or not 0 < weight <= HEAVIEST:
        raise ValueError(f"its weight is no number above 0 and up to {HEAVIEST:,.0f}")
    return weight
