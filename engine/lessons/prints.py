"""Digests and sizes that a worker tells of its model and data, by which runs are known to be comparable."""

from __future__ import annotations

import msgspec


class Prints(msgspec.Struct, frozen=True, kw_only=True):
    """What a run learnt from and on, in digests of 16 hexadecimal digits; empty or 0 where unknown."""

    family: str = ""
    """The configuration's `model_type`."""
    layers: int = 0
    hidden: int = 0
    vocabulary: int = 0
    rows: str = ""
    """Of which rows there are and how they were cut into training and held-out ones."""
    held: str = ""
    """Of the held-out rows as they stand in their files, whatever became of them."""
    template: str = ""
    """Of the chat template; empty where prompts stand as they are."""
    mask: str = ""
    """Of the held-out rows' tokens and of which of them count."""
    tokenizer: str = ""
