"""`openlora train RECIPE --find-rate`: a short run under a rising rate, and the rate that it speaks for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.rate_range import KIND
from engine.recipe import RecipeFile, override
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.cli.printer import Printer

_SETTINGS: Final = {
    "lr_scheduler_type": KIND, "learning_rate": "1", "max_steps": "100", "restart_step": "0",
    "eval_steps": "0", "save_steps": "0", "sample_steps": "0", "load_best_model_at_end": "false",
    "early_stopping_patience": "0", "on_divergence": "stop",
}  # fmt: skip


def test_of(recipe: RecipeFile, typed: dict[str, str]) -> RecipeFile:
    """The recipe of the test: rates up to 1 in a hundred steps, unless something else was typed."""
    names = {"run_name": f"{one_line(recipe.name, 60)}-rate"}
    return override(recipe, {**names, **_SETTINGS, **typed, "lr_scheduler_type": KIND})


def tell(state: RunState, recipe: Path, printer: Printer) -> None:
    """Say how to take the rate, where the test has found one."""
    patches = [each.patch.recipe for each in state.findings if each.patch is not None]
    rate = next((patch["learning_rate"] for patch in patches if "learning_rate" in patch), None)
    if rate is not None:
        printer.say(f"`openlora train {one_line(str(recipe), 200)} --set learning_rate={rate:g}` takes it")
