"""The Recipe screen tells what a run takes of memory while it is typed, and one key makes it fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import messages as ms
from engine.memory import limit, talk
from engine.text import amount
from openlora_tui.screens.recipe import RecipeScreen
from tests.tui.conftest import settle
from tests.tui.fake_engine import FakeEngine
from tests.tui.recipe_driving import opened_recipe, until
from tests.tui.screen_picture import as_found_good, shown

FALCON = "model: tiiuae/falcon-rw-1b\ndata: rows.jsonl\nmax_length: 2048\nper_device_train_batch_size: 8\n"


class Pricing(FakeEngine):
    """Its side job `estimate` says the formula's figure as if it were exact."""

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.Begin) and message.job == "estimate":
            self.push(ms.Accepted(request=message.request, run="side-9"))
            self.wish = talk.ask(message.spec)
        if isinstance(message, ms.Tell) and message.side == "side-9":
            self.wish = talk.ask(message.body)

    def answer(self, answer: Any) -> None:
        self.push(ms.Said(side="side-9", body=talk.encode(talk.Told(number=self.wish.number, answer=answer))))


@pytest.fixture
def engine() -> Pricing:
    return Pricing()


@pytest.fixture
def falcon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe for a model of which only the name is here, on a card of 12 GiB."""
    card = limit.Limit(bytes=12 << 30, name="a card", cuda=True)
    monkeypatch.setattr(limit, "there", lambda recipe, cards, env: card)
    monkeypatch.setattr("engine.telemetry.gpu.gpus", list)
    monkeypatch.setattr("engine.packages.missing_for_training", list)
    work = tmp_path / "work"
    work.mkdir()
    (work / "rows.jsonl").write_text('{"prompt": "Hi", "completion": "Hello"}\n' * 400)
    (work / "mine.yaml").write_text(FALCON)
    return work / "mine.yaml"


async def priced(pilot: Any, path: Path) -> RecipeScreen:
    screen = await opened_recipe(pilot, path)
    await until(pilot, lambda: screen.estimate.answer is not None and screen.prospect.outlook is not None)
    await settle(pilot)
    return screen


async def test_a_band_is_there_at_once_and_the_exact_figure_follows(
    opened: Any, falcon: Path, engine: Pricing
) -> None:
    from msgspec.structs import replace

    async with opened(width=120, height=36) as pilot:
        screen = await priced(pilot, falcon)
        assert " to " in next(
            line for line in shown(pilot.app).splitlines() if "memory " in line and " of " in line
        )
        quick = screen.estimate.answer
        assert quick is not None
        assert not quick.exact
        await until(pilot, lambda: hasattr(engine, "wish"))
        engine.answer(replace(quick, exact=True))
        await until(pilot, lambda: screen.estimate.answer.exact)
        await settle(pilot)
        assert "of 12.0 GiB" in shown(pilot.app)


async def test_past_runs_on_the_card_correct_the_figure(opened: Any, falcon: Path, engine: Pricing) -> None:
    rows = [
        ms.RunRow(
            run=str(at), name="n", status="succeeded", model="tiiuae/falcon-rw-1b", data=["d"], created=1.0,
            updated=2.0, device="a card", predicted_memory=10 << 30, peak_memory=11 << 30,
        )
        for at in (1, 2, 3)
    ]  # fmt: skip
    async with opened(width=120, height=36) as pilot:
        engine.push(ms.Runs(rows=rows, whole=True, total=3))
        await until(pilot, lambda: len(pilot.app.session.rows) == 3)
        screen = await priced(pilot, falcon)
        answer = screen.estimate.answer
        assert answer is not None
        assert answer.past is not None
        assert answer.corrected == pytest.approx(1.1 * answer.peak, rel=0.01)
        assert f"memory {amount(answer.corrected)} of 12.0 GiB" in shown(pilot.app)
        await until(pilot, lambda: hasattr(engine, "wish"))
        assert engine.wish.past == answer.past


async def test_one_key_makes_it_fit_and_undo_takes_it_back(opened: Any, falcon: Path) -> None:
    async with opened() as pilot:
        screen = await priced(pilot, falcon)
        assert not screen.estimate.answer.fits  # type: ignore[union-attr]
        batch = screen.draft.value("per_device_train_batch_size")
        await pilot.press("F")
        await until(pilot, lambda: screen.estimate.answer is not None and screen.estimate.answer.fits)
        assert screen.draft.value("per_device_train_batch_size") < batch
        assert screen.draft.file().recipe.batch_rows == 8 * 4
        assert screen.why_not("fit") == "It fits as it is."
        await pilot.press("u", "u")
        await until(pilot, lambda: screen.draft.value("per_device_train_batch_size") == batch)


async def test_a_model_of_which_nothing_is_known_has_no_line(opened: Any, falcon: Path) -> None:
    falcon.write_text(FALCON.replace("tiiuae/falcon-rw-1b", "nobody/nothing"))
    async with opened() as pilot:
        screen = await opened_recipe(pilot, falcon)
        await until(pilot, lambda: screen.prospect.outlook is not None)
        await settle(pilot)
        assert "memory" not in shown(pilot.app)
        assert screen.why_not("fit") == "What the run takes of memory is not known."


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_the_line_is_as_it_was_found_good(opened: Any, falcon: Path, size: tuple[int, int]) -> None:
    width, height = size
    async with opened(width=width, height=height) as pilot:
        await priced(pilot, falcon)
        await pilot.press(*"jjjjjjj")
        await settle(pilot)
        as_found_good(pilot.app, f"recipe-memory-{width}x{height}", falcon.parent)
