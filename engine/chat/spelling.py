"""Spells an answer while its tokens come: whole characters only, blanks kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_TAIL: Final = 8
_UNFINISHED: Final = "�"


class Speller:
    """Turns token ids into text, one by one.

    A token is read together with the ones before it, because some decoders write a blank or not
    according to where a token stands, and a character may be made of several tokens.

    Args:
        decode: the text of some ids.
        prompt: the ids that the answer follows.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], prompt: Sequence[int]) -> None:
        self._decode = decode
        self._ids = list(prompt[-_TAIL:])
        while self._ids and decode(self._ids).startswith(_UNFINISHED):
            # The tail begins within a character, which would spoil the bytes that follow it.
            del self._ids[0]
        self._said = len(self._ids)

    def add(self, token: int) -> str:
        """The characters that `token` completes, empty where it leaves one unfinished."""
        self._ids.append(token)
        fresh = self._fresh()
        return "" if fresh.endswith(_UNFINISHED) else self._take(fresh)

    def rest(self) -> str:
        """What was held back, once no more tokens come."""
        return self._take(self._fresh())

    def _fresh(self) -> str:
        before = self._decode(self._ids[: self._said])
        return self._decode(self._ids)[len(before) :]

    def _take(self, fresh: str) -> str:
        if fresh:
            self._ids = self._ids[self._said :]
            self._said = len(self._ids)
        return fresh
