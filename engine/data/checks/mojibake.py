"""Text that was read with another encoding than it was written with: `cafÃ©`."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import around
from engine.data.checks.seen import Seen

_MAYBE: Final = re.compile(
    # The first byte of a character of UTF-8, then a later one, each read as Windows-1252 or -1251.
    "[\u00c2-\u00f4\u0100-\u017f\u0412\u0413\u0420\u0421\u0432\u0440\u0441\u00d0\u00d1]"
    "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u203a\u20ac\u2122"
    "\u0401-\u040f\u0451-\u045f\u0490\u0491]"
    "|ΓÇ|[├┬╨╤][\u00a0-\u00ff\u2310\u2320\u2321\u2580-\u259f]"  # the same as code page 437
)
_PIECE: Final = 2000
"""Characters around the first suspect that are looked at in earnest."""


def _look(seen: Seen) -> str:
    if seen.answer.isascii() and seen.prompt.isascii():
        return ""
    return _bad(seen.answer) or _bad(seen.prompt)


def _bad(text: str) -> str:
    """What ftfy takes for mojibake and can undo; asked only where two characters look like a broken one."""
    found = _MAYBE.search(text)
    if found is None:
        return ""
    # Imported on use: its tables take a tenth of a second.
    from ftfy import badness, fix_encoding

    begin = max(found.start() - _PIECE // 2, 0)
    piece = text[begin : begin + _PIECE]
    if not badness.is_bad(piece) or fix_encoding(piece) == piece:
        return ""
    return around(text, found.start(), found.end())


MOJIBAKE: Final = RowCheck(
    name="mojibake",
    category="dataset_encoding_or_parse",
    severity="warning",
    title="hold text of another encoding (mojibake)",
    cause="UTF-8 was read as a Windows code page and saved again.",
    remedy="Mend it, or make the data again from its source.",
    look=_look,
    mend="clean",
    lines=True,
)
