"""M on a run that failed: the remedies and what is known of them, then a linked run of the chosen one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import events as ev
from engine import messages as ms
from engine.findings import Finding
from engine.run_dir import RunDir
from engine.run_state import RunState
from openlora_tui.modals.retrying import Retrying
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine, row
from tests.tui.recipe_driving import notice, until
from tests.tui.screen_picture import as_found_good, shown

RATE = Finding(
    category="loss_spike_divergence", severity="blocker", step=410,
    title="The loss rises for good: 3.21 after 1.07", cause="The learning rate is too high.",
)  # fmt: skip


class Remembering(FakeEngine):
    """Answers what runs taught, and begins what is tried again."""

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.ListLessons):
            self.push(ms.Lessons(lessons=[], request=message.request, total=0))
        if isinstance(message, ms.Act) and message.verb == "retry":
            note = "learning_rate 1e-3 -> 3.3e-4, from the beginning"
            self.push(ms.Accepted(request=message.request, run="8", note=note))


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    made = Remembering()
    made.home = str(tmp_path)
    folder = RunDir(tmp_path, "7").path
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("model: m\ndata: d.jsonl\nlearning_rate: 1e-3\nmax_grad_norm: 0\n")
    failed = ev.Failed(run="7", steps=410, what="The loss rises for good.", findings=[RATE])
    made.states["7"] = RunState(run="7", name="support", status="failed", outcome=failed, findings=[RATE])
    made.list([row("support", "failed", run="7"), row("fine", "succeeded", run="6")])
    return made


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 36)])
async def test_a_remedy_is_chosen_and_begun(width: int, height: int, opened: Any, engine: FakeEngine) -> None:
    async with opened(width, height) as pilot:
        await pilot.press("M")
        await until(pilot, lambda: isinstance(pilot.app.screen, Retrying))
        await until(pilot, lambda: "learning_rate 0.001 -> 3.3e-4" in shown(pilot.app))
        await settle(pilot)
        assert "The loss rises for good" in shown(pilot.app)
        as_found_good(pilot.app, f"retrying-{width}x{height}")
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.asked(ms.Act)))
        (act,) = engine.asked(ms.Act)
        assert isinstance(act, ms.Act)
        assert (act.run, act.verb) == ("7", "retry")
        assert act.patch is not None
        assert act.patch.recipe == {"learning_rate": 3.3e-4}
        await until(pilot, lambda: "Run 8" in notice(pilot))


async def test_a_run_that_went_well_has_nothing_to_mend(opened: Any, engine: FakeEngine) -> None:
    async with opened() as pilot:
        await pilot.press("j", "M")
        await settle(pilot)
        assert "nothing to mend" in notice(pilot)
        assert not engine.asked(ms.Act)
