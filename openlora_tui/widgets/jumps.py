"""What jump mode can go to; a widget that takes the focus needs nothing of this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec


class Target(msgspec.Struct, frozen=True):
    """Something to go to: a cell of the screen, and what going there means."""

    x: int
    y: int
    go: Callable[[], object]


@runtime_checkable
class Jumpable(Protocol):
    """A widget that holds more than one thing to go to, or none that takes the focus."""

    def jump_targets(self) -> list[Target]:
        """Its targets, by cells of the widget."""
