"""A mending that is told of while it goes on, for the side job that inspects data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.data.inspect import Inspection
from engine.data.mend.mending import Mending
from engine.data.mend.setting import Setting
from engine.inspection.talk import Mend, Mended
from engine.problem import Problem

_EVERY: Final = 0.25
"""Seconds between two words on how far it is."""


def mended(inspection: Inspection, wanted: Mend, held: Inspection | None = None) -> Iterator[Mended | None]:
    """Write the new dataset in small pieces; the last answer says what came of it, or why there is none."""
    told = time.monotonic()
    try:
        setting = Setting(inspection, wanted.max_length, held=held)
        files = [index.path for index in inspection.indices]
        mending = Mending(files, wanted.words, Path(wanted.target), setting)
        for share in mending.steps():
            now = time.monotonic()
            if now - told > _EVERY and mending.made is None:
                told = now
                yield Mended(share=share)
            else:
                yield None
    except Problem as problem:
        yield Mended(share=1.0, problem=problem.as_dict())
        return
    made = mending.made
    if made is not None:
        yield Mended(share=1.0, path=made.path, rows=made.rows, before=made.rows_before)
