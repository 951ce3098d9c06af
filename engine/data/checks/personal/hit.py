"""One thing that was found in a text."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["EMAIL", "PHONE", "IBAN", "CARD", "KEY", "IP"]


class Hit(NamedTuple):
    """Something personal or secret, from `begin` to before `end`."""

    kind: Kind
    begin: int
    end: int
