"""How much more a finished run learns, and what the rate does meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.problem import Problem
from engine.recipe import Recipe, read
from engine.recipe.going_on import SCHEDULES, Outlook, outlook, total_epochs
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.pick_list import Item, PickList

_LABEL: Final = 16


class MoreEpochs(Dialogue[dict[str, str] | None]):
    """Gives the recipe fields to resume with; each choice shows its steps and rates while one types."""

    DEFAULT_CSS = """
    MoreEpochs Horizontal { height: 1; }
    MoreEpochs .name { width: 16; }
    MoreEpochs Input { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("down,tab", "move(1)", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
    ]

    def __init__(self, state: RunState, home: str) -> None:
        super().__init__()
        self._state = state
        self._directory = RunDir(Path(home), state.run)
        self._recipe: Recipe | None = None

    def compose(self) -> ComposeResult:
        """The number of epochs, then what the rate can do."""
        done = f"{self._state.epoch:.4g} epochs done, {self._state.step:,} steps"
        line = Line(f"{self._state.epoch + 1:.4g}", id="epochs", compact=True)
        line.cursor_blink = False
        with Vertical(id="frame"):
            yield Title(f"Train on: {one_line(self._state.name, 30)}", done)
            with Horizontal():
                yield Lines([Row("epochs in all".ljust(_LABEL), "dim")], classes="name")
                yield line
            yield Lines([Row(), Row()], id="steps")
            yield PickList(id="choices")
            yield Lines([Row()])
            yield Foot(("enter", "train on"), ("up down", "choose"), ("esc", "cancel"))

    def on_mount(self) -> None:
        """Read the recipe beside the keys."""
        super().on_mount()
        choices = self.query_one("#choices", PickList)
        choices.can_focus = False
        choices.styles.height = len(SCHEDULES)
        self.query_one(Input).focus()
        self.run_worker(self._load(), exclusive=True, group="load")

    async def _load(self) -> None:
        try:
            self._recipe = (await asyncio.to_thread(read, self._directory.recipe)).recipe
        except Problem as problem:
            self._say(problem)
            return
        self._show()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._show()

    def action_move(self, way: int) -> None:
        """The next choice, or the one before."""
        choices = self.query_one("#choices", PickList)
        choices.action_down() if way > 0 else choices.action_up()

    @on(PickList.Chosen)
    def _clicked(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Train on as the cursor says, unless the number is none."""
        current = self.query_one("#choices", PickList).current
        if current is not None and isinstance(current.extra, Outlook):
            self.dismiss(current.extra.settings)

    def _show(self) -> None:
        if self._recipe is None:
            return
        try:
            epochs = total_epochs(self.query_one(Input).value, self._state.epoch)
        except Problem as problem:
            self._say(problem)
            return
        found = [outlook(self._state, self._recipe, epochs, schedule) for schedule in SCHEDULES]
        more = found[0].steps - self._state.step
        self.query_one("#steps", Lines).show([Row(" " * _LABEL).add(f"{more:,} more steps", "dim"), Row()])
        items = [Item(each.schedule, partial(_line, each), extra=each) for each in found]
        self.query_one("#choices", PickList).show(items)

    def _say(self, problem: Problem) -> None:
        words = one_line(problem.what, 64)
        self.query_one("#steps", Lines).show([Row(words, "bad"), Row()])
        self.query_one("#choices", PickList).show([])


def _line(choice: Outlook, width: int) -> Row:
    return Row(choice.schedule.ljust(10), "bold text").add(str(choice), "dim")
