"""Descriptions and figures of runs that went wrong, each with the categories that count as right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.advisor.case import Case
from engine.advisor.read.gather import case_of_text

_SETTINGS = re.compile(r" \{(\w+=[^{}']*)\}$")


class Told(NamedTuple):
    """What somebody told of a run; every third of a category was held out while the rules were written."""

    right: list[str]
    text: str
    config: dict[str, str]
    held_out: bool

    @property
    def case(self) -> Case:
        """The case that it makes."""
        return case_of_text(self.text, self.config)


def told(name: str) -> list[Told]:
    """The rows of `NAME.txt` beside this file."""
    return list(_rows(Path(__file__).with_name(f"{name}.txt")))


def _rows(file: Path) -> Iterator[Told]:
    seen: Counter[str] = Counter()
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        right, _, rest = line.partition(": ")
        text, settings, _ = _SETTINGS.split(rest, maxsplit=1) if _SETTINGS.search(rest) else (rest, "", "")
        config = dict(setting.partition("=")[::2] for setting in settings.split("; ") if setting)
        categories = right.split(",")
        seen[categories[0]] += 1
        yield Told(categories, text.replace("\\n", "\n"), config, seen[categories[0]] % 3 == 0)
