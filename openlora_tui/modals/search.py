"""A search for rate, rank and alpha: what it will do, how far it is, and what it has found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine import messages as ms
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.search import record as records
from engine.search.plan import BUDGET, TRIALS, candidates, refuse, rungs
from engine.search.record import Record, Trial
from engine.text import one_line
from openlora_tui import searching
from openlora_tui.modals.dialogue import Dialogue, Foot, Lines, Title
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.pick_list import Item, PickList
from openlora_tui.widgets.wrap import wrapped

_LABEL: Final = 16
_WIDE: Final = 62
_LISTED: Final = 4
_ABOUT: Final = (
    "Tries other learning rates, ranks and alphas of this recipe for a few steps each, at a constant rate. "
    "The better third goes on for three times as many, until three are left; the lowest loss on held-out "
    "rows wins. Each trial is a run of its own, in the queue."
)
Plan = tuple[int, int]
"""Trials, and the steps of all of them together."""


class SearchPlan(Dialogue[Plan | int | None]):
    """Gives how many trials and steps, or the number of an earlier search to look at."""

    DEFAULT_CSS = """
    SearchPlan Horizontal { height: 1; }
    SearchPlan .name { width: 16; }
    SearchPlan Input { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
    ]

    def __init__(self, name: str, recipe: Recipe, earlier: Sequence[Record]) -> None:
        super().__init__()
        self._of, self._recipe = name, recipe
        self._earlier = sorted(earlier, key=lambda record: -record.number)[:_LISTED]

    def compose(self) -> ComposeResult:
        """What it does, how much of it, then what to choose."""
        with Vertical(id="frame"):
            yield Title(f"Search with {one_line(self._of, 30)}")
            yield Lines([*(Row(line) for line in wrapped(_ABOUT, _WIDE)), Row()])
            for name, value in (("trials", TRIALS), ("steps in all", BUDGET)):
                line = Line(f"{value}", id=name.partition(" ")[0], compact=True)
                line.cursor_blink = False
                with Horizontal():
                    yield Lines([Row(name.ljust(_LABEL), "dim")], classes="name")
                    yield line
            yield Lines([Row()] * 5, id="tried")
            yield PickList(id="choices")
            yield Lines([Row()])
            yield Foot(("enter", "choose"), ("tab", "next line"), ("up down", "move"), ("esc", "cancel"))

    def on_mount(self) -> None:
        """The numbers first; what they come to stands below them."""
        super().on_mount()
        choices = self.query_one(PickList)
        choices.can_focus = False
        choices.styles.height = 1 + len(self._earlier)
        self.query(Input).first().focus()
        self._show()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._show()

    def action_move(self, way: int) -> None:
        """The next choice, or the one before."""
        choices = self.query_one(PickList)
        choices.action_down() if way > 0 else choices.action_up()

    @on(PickList.Chosen)
    def _clicked(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Begin, or look at an earlier one."""
        current = self.query_one(PickList).current
        if current is not None and isinstance(current.extra, int | tuple):
            self.dismiss(current.extra)

    def _show(self) -> None:
        items = [Item(f"{record.number}", partial(_earlier, record), extra=record.number)
                 for record in self._earlier]  # fmt: skip
        try:
            plan = self._plan()
        except Problem as problem:
            words = wrapped(f"{problem.what} {problem.do}", _WIDE)[:3]
            rows = [Row(), *(Row(line, "bad") for line in words)]
        else:
            rounds = rungs(len(candidates(self._recipe, plan[0])), plan[1])
            items.insert(0, Item("begin", partial(_beginning, rounds), extra=plan))
            rows = [Row(), *_ways(self._recipe, plan[0])]
        self.query_one("#tried", Lines).show([*rows, *[Row()] * (5 - len(rows))])
        self.query_one(PickList).show(items)

    def _plan(self) -> Plan:
        typed = [self.query_one(f"#{name}", Input).value.strip() for name in ("trials", "steps")]
        if not all(text.isdecimal() and len(text) < 7 for text in typed):
            raise Problem("Both are whole numbers.", do=f"Type such as {TRIALS} and {BUDGET}.")
        trials, budget = map(int, typed)
        refuse(self._recipe, trials, budget)
        return trials, budget


def _ways(recipe: Recipe, count: int) -> list[Row]:
    """The values that are tried."""
    tried = candidates(recipe, count)
    values = {
        "learning rates": [f"{each.learning_rate:g}" for each in tried],
        "ranks": [f"{each.lora_r}" for each in tried],
        "alphas": [f"{each.lora_alpha:g}" for each in tried],
    }
    return [
        Row(name.ljust(_LABEL), "dim").add(", ".join(dict.fromkeys(found))) for name, found in values.items()
    ]


def _beginning(rounds: Sequence[tuple[int, int]], width: int) -> Row:
    spent, before = 0, 0
    words = []
    for size, steps in rounds:
        spent += size * (steps - before)
        words.append(f"{size} for {steps}" if not before else f"{size} up to {steps}")
        before = steps
    return Row("begin".ljust(_LABEL - 1), "bold text").add(
        f"{', '.join(words)} steps: {spent:,} in all", "dim"
    )


def _earlier(record: Record, width: int) -> Row:
    words = one_line(f"{record.name}: {_stands(record)} {record.why}", max(width - _LABEL, 20))
    return Row(f"search {record.number}".ljust(_LABEL - 1), "bold text").add(words, "dim")


def _stands(record: Record) -> str:
    """How far it is, in words."""
    at = record.round
    if at is None:
        return "every trial failed" if not record.why else "over"
    done = sum(len(trial.losses) > at for trial in record.entrants(at))
    return f"round {at + 1} of {len(record.rounds)}, {done} of {len(record.entrants(at))} done"


class SearchView(Dialogue[dict[str, float] | None]):
    """The trials of a search as it goes on; gives the values of one that is to go into the recipe."""

    PAGE = True
    EVERY: ClassVar = 1.0
    """Seconds between two looks at what it has written down."""
    BINDINGS: ClassVar = [
        Binding("q", "close", show=False),
        Binding("enter,p", "take", show=False),
        Binding("o", "open", show=False),
        Binding("S", "stop", show=False),
    ]

    def __init__(self, number: int, home: Path, process: searching.Process | None = None) -> None:
        super().__init__()
        self._number, self._home, self._process = number, home, process
        self._record: Record | None = None
        self._driven = self._over = False

    def compose(self) -> ComposeResult:
        """The trials, then who wins and why."""
        with Vertical(id="frame"):
            yield Title(f"Search {self._number}")
            yield Lines([_heads()], id="heads")
            yield PickList(id="trials", empty=lambda width: [Row(" looking …", "dim")])
            yield Lines([Row()] * 4, id="why")
            yield Foot(
                ("p", "into the recipe"), ("o", "open the run"), ("S", "stop the search"), ("esc", "close")
            )

    def on_mount(self) -> None:
        """Look now and every second."""
        super().on_mount()
        trials = self.query_one("#trials", PickList)
        trials.styles.height = "1fr"
        trials.focus()
        self._look()
        self.set_interval(self.EVERY, self._look)

    def _look(self) -> None:
        self.run_worker(self._looked(), exclusive=True, group="look")

    async def _looked(self) -> None:
        self._record, self._driven = await asyncio.to_thread(self._read)
        self._show()
        if self._process is None:
            return
        try:
            self._process.refused()
        except Problem as problem:
            self._process = None
            self.tui.tell_problem(problem.as_dict())

    def _read(self) -> tuple[Record | None, bool]:
        driven = records.driver(self._number, self._home) is not None
        known = {record.number: record for record in records.found(self._home)}
        return known.get(self._number), driven

    def _show(self) -> None:
        record = self._record
        if record is None:
            return
        over = record.round is None
        title = self.query_one(Title)
        title.title = f"Search {record.number} of {one_line(record.name, 30)}"
        title.remark = "over" if over else _stands(record) if self._driven else f"stopped, {_stands(record)}"
        title.repaint()
        trials = record.ranked() if over else record.trials
        rows = self.tui.session.rows
        self.query_one("#trials", PickList).show(
            [Item(f"{trial.candidate}", partial(_line, record, trial, rows.get(trial.run)), extra=trial)
             for trial in trials]
        )  # fmt: skip
        if over and not self._over:  # the winner is what one came for
            self.query_one("#trials", PickList).action_top()
        self._over = over
        words = record.why or next((trial.why for trial in trials if trial.why), "")
        if not over and not self._driven:
            words = f"Begin it again with the same recipe and numbers, and it goes on. {words}"
        lines = wrapped(one_line(words, 400), max(self.size.width - 6, 20))[:3]
        shown = [Row(), *(Row(line) for line in lines)]
        self.query_one("#why", Lines).show([*shown, *[Row()] * (4 - len(shown))])

    @property
    def _trial(self) -> Trial | None:
        current = self.query_one("#trials", PickList).current
        return current.extra if current is not None and isinstance(current.extra, Trial) else None

    @on(PickList.Chosen)
    def action_take(self) -> None:
        """The values of the trial under the cursor."""
        trial = self._trial
        if trial is None:
            return
        if self.tui.readonly:
            self.tui.tell("OpenLoRA was opened to watch only (--readonly).")
            return
        one = trial.candidate
        rate, alpha = one.learning_rate, one.lora_alpha
        self.dismiss({"learning_rate": rate, "lora_r": one.lora_r, "lora_alpha": alpha})

    def action_open(self) -> None:
        """The run of the trial under the cursor, in Train."""
        trial = self._trial
        if trial is None or not trial.run:
            self.tui.tell("This trial has not begun.")
            return
        self.dismiss(None)
        self.tui.open_run(trial.run)

    def action_stop(self) -> None:
        """End it after its trial has saved; it can go on later."""
        if self.tui.readonly:
            self.tui.tell("OpenLoRA was opened to watch only (--readonly).")
        elif self._record is None or not searching.stop(self._record, self._home):
            self.tui.tell("Nobody goes through it now.")
        else:
            self.tui.tell("It stops its trial and leaves; the same words again go on from here.", good=True)


def _heads() -> Row:
    words = f"{'run':>6}  {'rate':>9}  {'rank':>5}  {'alpha':>6}  {'steps':>6}  {'held-out loss':>13}"
    return Row(f" {words}", "dim")


def _line(record: Record, trial: Trial, row: ms.RunRow | None, width: int) -> Row:
    one, done = trial.candidate, len(trial.losses)
    steps = record.rounds[done - 1][1] if done else 0
    loss = trial.losses[-1] if trial.losses else None
    figure = f"{loss:.4f}" if loss is not None else "failed" if trial.why else ""
    values = f"{one.learning_rate:>9g}  {one.lora_r:>5}  {one.lora_alpha:>6g}"
    line = Row(f"{trial.run or '-':>6}  ", "dim").add(values)
    line.add(f"  {steps or '':>6}", "dim").add(f"  {figure:>13}", "bad" if trial.why else "bright")
    goes_on = row is not None and row.status in ("running", "starting", "queued", "paused", "stopping")
    now = f"{row.status} {row.step:,}/{row.steps:,} " if row is not None and goes_on else ""
    return between(line, Row(now, "accent"), width)
