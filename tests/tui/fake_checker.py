"""An engine whose side job `preflight` is the real one, in a thread of the test."""

from __future__ import annotations

from engine.preflight.serve import serve
from tests.tui.fake_side import SideEngine


class CheckingEngine(SideEngine):
    """Begins checks of recipes; all else is the fake engine's."""

    def __init__(self) -> None:
        super().__init__("preflight", serve)
