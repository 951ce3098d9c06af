"""Each screen and state as it was last looked at and found good; `UPDATE_PICTURES=1` renews them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import events as ev
from engine import messages as ms
from openlora_tui.app import OpenLoraApp
from tests.tui.conftest import settle
from tests.tui.fake_engine import (
    FAILED,
    FINISHED,
    MACHINE,
    NOW,
    RUN,
    FakeEngine,
    begun,
    preferring,
    row,
    state_of,
    tickets,
    trained,
)
from tests.tui.screen_picture import as_found_good

Prepare = Callable[[FakeEngine], None]


def empty(engine: FakeEngine) -> None:
    engine.list([])


def down(engine: FakeEngine) -> None:
    engine.receive()
    engine.connected = False
    engine.trouble = "The engine ended while it started; its log is /home/me/openlora/engine.log."


def as_is(engine: FakeEngine) -> None:
    engine.push(ms.Measured(machine=MACHINE))


def in_state(status: str, *events: ev.Event, reason: str = "", adapter: str | None = None) -> Prepare:
    def prepare(engine: FakeEngine) -> None:
        as_is(engine)
        engine.states[RUN] = state_of(events)
        engine.push(ms.Runs(rows=[tickets(status, reason=reason, adapter=adapter)]))

    return prepare


def compared(engine: FakeEngine) -> None:
    as_is(engine)
    events = [event for event in trained(1200) if isinstance(event, ev.Created | ev.Step | ev.Evaluated)]
    shifted = [
        msgspec.structs.replace(event, loss=(event.loss or 0) * 0.8 + 0.5)
        if isinstance(event, ev.Step | ev.Evaluated)
        else msgspec.structs.replace(event, run="9", name="last-week")
        for event in events
        if not isinstance(event, ev.Step | ev.Evaluated) or event.step <= 600
    ]
    engine.states["9"] = state_of([*shifted, msgspec.structs.replace(FINISHED, run="9", steps=600)])
    engine.list([tickets(), row("last-week", "succeeded", run="9", step=600, steps=600)])


def fetching(engine: FakeEngine) -> None:
    as_is(engine)
    model, name = "Qwen/Qwen2.5-1.5B", "fetching model"
    engine.states[RUN] = state_of([
        ev.Created(t=NOW - 60, run=RUN, name="support-tickets", model=model, data=["/data/tickets.jsonl"]),
        ev.Started(t=NOW - 59, pid=4242, host="box", device=ev.HUB),
        ev.Phase(t=NOW - 58, name=name, detail=model),
        ev.Log(t=NOW - 58, text=f"{model} at commit 8faed761d45a: 2.9 GiB, of which 0.0 MiB are here"),
        ev.Progress(t=NOW, done=1_310_000_000, total=3_110_000_000, unit="bytes", rate=4.4e7),
    ])  # fmt: skip
    row = ms.RunRow(
        run=RUN, name="support-tickets", status="running", model=model, data=["/data/tickets.jsonl"],
        created=NOW - 60, updated=NOW, device=ev.HUB, phase=name, reason=model,
    )  # fmt: skip
    engine.push(ms.Runs(rows=[row]))


def silent(engine: FakeEngine) -> None:
    as_is(engine)
    engine.now = NOW + 22


def recipes(engine: FakeEngine, folder: Path) -> None:
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text('{"model_type": "llama"}')
    (folder / "rows.jsonl").write_text('{"prompt": "Hi", "completion": "Hello"}\n')
    (folder / "good.yaml").write_text("model: ./model\ndata: rows.jsonl\nmax_steps: 150\n")
    (folder / "typo.yaml").write_text("model: ./model\ndata: rows.jsonl\nlerning_rate: 1e-4\n")


QUEUED = ev.Queued(t=NOW - 5, reason="gpu0 is taken by qwen-math")
INTERRUPTED = ev.Failed(
    t=NOW,
    run=RUN,
    steps=412,
    what="The machine went down.",
    resumable=True,
    interrupted=True,
    signal="SIGTERM",
)
BEYOND = ev.Measured(t=NOW, phase="training", bytes=22 << 30, reserved=23 << 30)
"""More memory than was predicted."""
SCENES: dict[str, tuple[Prepare, list[str]]] = {
    "runs": (as_is, []),
    "runs-empty": (empty, []),
    "runs-not-connected": (down, []),
    "runs-filter": (as_is, ["slash", "g", "s", "m"]),
    "train": (as_is, ["enter"]),
    "train-pairs": (in_state("running", *preferring()), ["enter"]),
    "train-beyond": (in_state("running", *trained(), BEYOND), ["enter"]),
    "train-marks": (as_is, ["enter", "m", "m"]),
    "train-compared": (compared, ["j", "enter", "v", "enter"]),
    "train-zoomed": (as_is, ["enter", "z"]),
    "train-queued": (in_state("queued", begun(NOW - 5)[0], QUEUED), ["enter"]),
    "runs-fetching": (fetching, []),
    "train-fetching": (fetching, ["enter"]),
    "train-loading": (in_state("running", *begun(NOW - 5)), ["enter"]),
    "train-paused": (in_state("paused", *trained(), ev.Paused(t=NOW - 1, step=412)), ["enter"]),
    "train-stopping": (in_state("stopping", *trained(), ev.Stopping(t=NOW, step=412, by="you")), ["enter"]),
    "train-silent": (silent, ["enter"]),
    "train-succeeded": (in_state("succeeded", *trained(1200), FINISHED, adapter=FINISHED.adapter), ["enter"]),
    "train-interrupted": (in_state("interrupted", *trained(), INTERRUPTED), ["enter"]),
    "train-failed": (in_state("failed", *trained(), FAILED, reason=FAILED.what), ["enter"]),
    "quit": (as_is, ["q"]),
    "delete": (as_is, ["j", "j", "d"]),
    "help": (as_is, ["question_mark"]),
    "palette": (as_is, ["colon"]),
    "jump": (as_is, ["enter", "ctrl+o"]),
    "samples": (as_is, ["enter", "t"]),
    "findings": (as_is, ["enter", "f"]),
    "log": (in_state("failed", *trained(), FAILED), ["enter", "l"]),
    "new-run": (as_is, ["n"]),
    "new-run-problem": (as_is, ["n", "down"]),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_is_as_it_was_found_good(
    scene: str, size: tuple[int, int], opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    await _compare(scene, f"{scene}-{size[0]}x{size[1]}", opened, engine, tmp_path, *size)


async def test_sixty_by_sixteen_is_enough(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    await _compare("train", "train-60x16", opened, engine, tmp_path, 60, 16)


async def test_a_vast_screen_shows_memory_by_phase(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    text = await _compare("train", "train-200x50", opened, engine, tmp_path, 200, 50)
    assert [line for line in text.splitlines() if "evaluating  " in line]


async def test_less_than_that_says_so(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    await _compare("train", "too-small-59x15", opened, engine, tmp_path, 59, 15)


async def test_light_theme(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    await _compare("train", "train-light-80x24", opened, engine, tmp_path, 80, 24, theme="openlora-light")


@pytest.mark.parametrize("colours", ["16", "none"])
@pytest.mark.parametrize("scene", ["runs", "train", "delete"])
async def test_few_colours_and_none(
    scene: str, colours: str, opened: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    name = f"{scene}-colours-{colours}-80x24"
    await _compare(scene, name, opened, engine, tmp_path, 80, 24, colours=colours)


async def test_watching_only_in_a_narrow_terminal(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    options = {"readonly": True, "ascii_only": True}
    text = await _compare("runs", "runs-readonly-60x20", opened, engine, tmp_path, 60, 20, **options)
    assert text.isascii()


async def test_ascii(opened: Any, engine: FakeEngine, tmp_path: Path) -> None:
    text = await _compare("train", "train-ascii-80x24", opened, engine, tmp_path, 80, 24, ascii_only=True)
    assert text.isascii()


async def _compare(
    scene: str,
    name: str,
    opened: Any,
    engine: FakeEngine,
    folder: Path,
    width: int,
    height: int,
    **options: Any,
) -> str:
    prepare, keys = SCENES[scene]
    prepare(engine)
    (folder / "work").mkdir()
    recipes(engine, folder / "work")
    async with opened(width, height, **options) as pilot:
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
            if key == "n" and scene.startswith("new-run"):
                await _listed(pilot)
        assert isinstance(pilot.app, OpenLoraApp)
        pilot.app.clear_notifications()
        await settle(pilot)
        return as_found_good(pilot.app, name, folder / "work")


async def _listed(pilot: Any) -> None:
    """Wait for the thread that looks for recipes."""
    for _ in range(200):
        if pilot.app.screen.option is not None:
            break
        await pilot.pause(0.02)
    await settle(pilot)
