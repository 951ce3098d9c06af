"""Bytes from the terminal as text for Textual's parser, where a connection may be cut in mid-sequence."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import Final

_PASTE: Final = "\x1b[200~"
_PASTED: Final = "\x1b[201~"
# The beginning of a control sequence; `esc` by itself is a key.
_BEGUN: Final = re.compile(r"\x1b(?:\[[<=>?]?[\d;:]*[ -/]*|O)\Z")
_HALF_FOR: Final = 1.0
_PASTE_FOR: Final = 5.0
"""Seconds of silence after which the rest of a paste is not waited for, so that keys are keys again."""


class Incoming:
    """Holds back what may be half a sequence, and drops it where the rest does not come.

    Textual would take the half for keys that were pressed, and everything after half a paste for pasted.
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._half = ""
        self._tail = ""
        self._pasting = False
        self._last = 0.0

    def take(self, data: bytes, now: float) -> str:
        """What of `data`, which came at `now` (seconds by any clock), can be parsed by now."""
        self._last = now
        text = self._half + self._decode(data)
        begun = _BEGUN.search(text)
        self._half = text[begun.start() :] if begun else ""
        text = text[: begun.start()] if begun else text
        self._watch(text)
        return text

    def overdue(self, now: float) -> str:
        """What has to be parsed because nothing came until `now`: the end of a paste that broke off."""
        silent = now - self._last
        if self._half and silent > _HALF_FOR:
            self._half = ""
        if not self._pasting or silent < _PASTE_FOR:
            return ""
        self._pasting = False
        return _PASTED

    def _watch(self, text: str) -> None:
        opened, closed = text.rfind(_PASTE), text.rfind(_PASTED)
        if opened != closed:
            self._pasting = opened > closed
