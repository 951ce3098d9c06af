"""Reads what another process says, which may be of another version, or no message at all."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Decoder(Protocol[_T_co]):
    """Those of msgspec, for JSON and for MessagePack."""

    def decode(self, buf: bytes, /) -> _T_co:
        """The value that `buf` holds; raises where it holds none."""
        ...


def decoded(decoder: Decoder[_T], data: bytes) -> _T | None:
    """The value that `data` holds, None where it holds none of a known kind."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
