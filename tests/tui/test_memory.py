"""On the Runs screen runs are found by what they came to, marked, laid side by side, tagged and noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import messages as ms
from engine.lessons.learn import lesson_of
from engine.remarks import Labelled
from engine.run_dir import RunDir
from engine.run_row import row_of
from engine.run_state import fold
from openlora_tui.modals.comparison import ComparisonView
from openlora_tui.modals.label import LabelDialogue
from openlora_tui.screens.runs import RunsScreen
from tests.engine.process.past import PRINTS, made
from tests.tui.conftest import settle
from tests.tui.fake_engine import NOW, FakeEngine
from tests.tui.recipe_driving import until
from tests.tui.screen_picture import as_found_good, shown

BAD = (2.0, 1.6, 1.8, 2.2, 2.9, 4.0)


class Remembering(FakeEngine):
    """Knows the runs of a home by their own files."""

    def fill(self, home: Path) -> None:
        self.home = str(home)
        made(home, "support-tickets", t=NOW - 5000)
        made(home, "tickets-hot", rate=2e-4, losses=BAD, failed=True, t=NOW - 4000)
        made(
            home, "tickets-narrow", extra="lora_r: 8\n", losses=(2.0, 1.7, 1.5, 1.4, 1.33, 1.28), t=NOW - 3000
        )
        other = msgspec.structs.replace(PRINTS, held="z", tokenizer="q")
        made(home, "other-rows", prints=other, t=NOW - 2000)
        for run in "1234":
            directory = RunDir(home, run)
            self.states[run] = fold(directory.events.read_bytes().splitlines())
        self.list([row_of(self.states[run]) for run in "4321"])

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.ListLessons):
            home = Path(self.home)
            told = [lesson_of(state, RunDir(home, run)) for run, state in self.states.items()]
            self.push(ms.Lessons(lessons=told[message.skip :], request=message.request, total=len(told)))


@pytest.fixture
def engine(home: Path) -> FakeEngine:
    made = Remembering()
    made.fill(home)
    return made


def _listed(pilot: Any) -> list[str]:
    screen = pilot.app.screen
    assert isinstance(screen, RunsScreen)
    return [item.key for item in screen.table.items]


async def test_the_filter_knows_fields_of_the_recipe_and_what_was_found(opened: Any) -> None:
    async with opened() as pilot:
        await pilot.press("slash", *"rate>1e-4")
        await until(pilot, lambda: _listed(pilot) == ["2"])
        await pilot.press(*["backspace"] * 9, *"tickets not:hot")
        await until(pilot, lambda: _listed(pilot) == ["3", "1"])
        await pilot.press(*["backspace"] * 15, *"eval<")
        await until(pilot, lambda: _listed(pilot) == [])


async def test_marked_runs_are_laid_side_by_side_and_two_are_explained(opened: Any) -> None:
    async with opened(120, 36) as pilot:
        await pilot.press("v")
        await settle(pilot)
        assert "marks runs to compare" in "\n".join(n.message for n in pilot.app._notifications)
        await pilot.press("j", "m", "j", "m", "j", "m")
        assert shown(pilot.app).count("● ") >= 3
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonView))
        await settle(pilot)
        assert "Run 1 is best, with a held-out loss of 1.1" in shown(pilot.app)
        assert "learning_rate" in shown(pilot.app)
        await pilot.press("escape", "m", "k", "m", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonView))


async def test_losses_on_other_rows_are_not_ranked(opened: Any) -> None:
    async with opened(120, 36) as pilot:
        await pilot.press("m", "j", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonView))
        await settle(pilot)
        assert "Their losses are not ranked: the held-out rows are not the same" in shown(pilot.app)


async def test_tags_and_a_note_are_written_and_shown(opened: Any, engine: Remembering) -> None:
    async with opened(120, 36) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, LabelDialogue))
        await pilot.press(*"good, baseline", "down", *"keep", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert isinstance(act.remark, Labelled)
        assert (act.run, act.verb) == ("4", "remark")
        assert (act.remark.name, act.remark.tags, act.remark.note) == (None, ["good", "baseline"], "keep")
        row = msgspec.structs.replace(row_of(engine.states["4"]), tags=["good", "baseline"], note="keep")
        engine.push(ms.Runs(rows=[row], total=4))
        await until(pilot, lambda: "#good #baseline" in shown(pilot.app))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, LabelDialogue))
        await pilot.press("up", "ctrl+u", *"last", "enter")
        await settle(pilot)
        assert "A run cannot be called 'last'." in shown(pilot.app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize(
    "keys", [("j", "m", "j", "m", "j", "m"), ("j", "m", "j", "j", "m")], ids=["three", "two"]
)
async def test_the_comparison_is_as_it_was_found_good(
    opened: Any, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    async with opened(*size) as pilot:
        await pilot.press(*keys, "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ComparisonView))
        await settle(pilot)
        many = "three" if len(keys) == 6 else "two"
        assert as_found_good(pilot.app, f"comparison-{many}-{size[0]}x{size[1]}")
