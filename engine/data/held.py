"""The evaluation data that training data is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.inspect import Inspection
from engine.mapping.mapping import Mapping
from engine.problem import Problem
from engine.sources.resolve import resolve


def held_of(
    words: Sequence[str], data_format: str, mapping: Mapping | None = None, *, pairs: bool = False
) -> Inspection | None:
    """An inspection of what the words name; None without any.

    Raises:
        Problem: there is no such data.
    """
    if not words:
        return None
    files = [source.path for source in resolve(words, "eval").files]
    for file in files:
        if not file.is_file():
            raise Problem("The evaluation file does not exist.", where=str(file), do="Check the path.")
    return Inspection(files, data_format=data_format, mapping=mapping, pairs=pairs)
