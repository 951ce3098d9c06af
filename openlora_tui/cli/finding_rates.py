"""`openlora train RECIPE --find-rate`: a short run under a rising rate, and the rate that it speaks for."""

from __future__ import annotations

from pathlib import Path

from engine.rate_range import came_to
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli.printer import Printer


def tell(state: RunState, recipe: Path, printer: Printer) -> None:
    """Say how to take the rate, where the test has found one."""
    patch = came_to(state)
    if patch is not None:
        rate = patch.recipe["learning_rate"]
        printer.say(f"`openlora train {one_line(str(recipe), 200)} --set learning_rate={rate:g}` takes it")
