"""The places of the app, in the order of the work: one line makes a place known to all that names places."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

import msgspec

from openlora_tui.actions.needs import a_run, an_adapter, elsewhere, the_engine
from openlora_tui.actions.table import Needs

if TYPE_CHECKING:
    from textual.screen import Screen


class Entry(msgspec.Struct, frozen=True):
    """One place."""

    mode: str
    """Its name in the app; also the id of the action that goes there, and of its table of actions."""
    key: str
    """A number, or empty for a place that is reached by an action of another place."""
    title: str
    help: str
    screen: str
    """`module:Class`, imported when the place is first gone to."""
    needs: Needs
    aside: bool = False
    """Not in the order of the work."""

    def open(self) -> Screen[None]:
        """The screen, made."""
        module, _, name = self.screen.partition(":")
        return cast("Callable[[], Screen[None]]", getattr(import_module(module), name))()


_SCREENS: Final = "openlora_tui.screens"
PLACES: Final = (
    Entry("runs", "1", "Runs", "Go to the list of runs.", f"{_SCREENS}.runs:RunsScreen",
          elsewhere("runs")),
    Entry("data", "2", "Data", "Look at the rows, their lengths, and what of them is trained.",
          f"{_SCREENS}.data:DataScreen", elsewhere("data")),
    Entry("recipe", "3", "Recipe", "Go to the recipe: what decides a run, field by field.",
          f"{_SCREENS}.recipe:RecipeScreen", elsewhere("recipe")),
    Entry("train", "4", "Train", "Go to the run that is open, else open the selected one.",
          f"{_SCREENS}.train:TrainScreen", a_run),
    Entry("chat", "", "Chat", "Talk to what the run left, with its adapter and without it.",
          f"{_SCREENS}.chat:ChatScreen", an_adapter),
    Entry("demo", "", "Demo", "See it happen: a small model is made here and tuned.",
          f"{_SCREENS}.demo:DemoScreen", the_engine, aside=True),
)  # fmt: skip
BY_MODE: Final = {place.mode: place for place in PLACES}


def neighbour(mode: str, way: int) -> Entry | None:
    """The next place of the work (`way` 1) or the one before (-1); None at either end."""
    order = [place for place in PLACES if not place.aside]
    at = next((i for i, place in enumerate(order) if place.mode == mode), None)
    if at is None or not 0 <= at + way < len(order):
        return None
    return order[at + way]
