"""What all events are: a time, and numbers within what JSON and MessagePack both hold."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""A line with a count below 0, or beyond what JSON and MessagePack both hold, is taken for a foreign one."""
Loss = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]
"""Finite, and so is the sum of a few."""
Time = Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=lambda n: n.lower()):
    """What all events share: `t`, seconds since 1970."""

    t: Time = msgspec.field(default_factory=time.time)
