"""A run whose model comes from the hub: fetched before a device is taken, and bound to one commit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import bus
from engine import events as ev
from engine.event_log import EventReader
from engine.hub import cache
from engine.hub.ready_data import bound_recipe, missing_datasets
from engine.problem import Problem
from engine.recipe import changed, read
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.sources.entry import Entry
from tests.engine.hub.server import OWNER, TOKEN, Hub
from tests.engine.process.driving import Driver, reached, wait_for, worker_pid

NAME = "owner/tiny"
LONG = 100_000


@pytest.fixture
def files(tiny_model: Path) -> dict[str, bytes]:
    """The tiny model as a repository, with weights for other programs beside it."""
    found = {path.name: path.read_bytes() for path in tiny_model.iterdir() if path.is_file()}
    assert "model.safetensors" in found
    return found | {"pytorch_model.bin": b"the same again", "model-q4.gguf": b"and again"}


def events(driver: Driver, run: str) -> list[ev.AnyEvent]:
    decoded = (ev.decode(line) for line in EventReader(RunDir(driver.root, run).events))
    return [event for event in decoded if event is not None]


def fetching(state: RunState) -> bool:
    assert state.outcome is None, state.outcome
    return state.phase == "fetching model" and state.total > 0


def fetched(state: RunState) -> bool:
    assert state.outcome is None, state.outcome
    return state.base != ""


def part() -> Path:
    """The file that the weights grow in."""
    (found,) = cache.repository(NAME).glob("blobs/*.incomplete")
    return found


def held(hub: Hub, driver: Driver, files: dict[str, bytes]) -> str:
    """A run whose weights have come half the way, and wait there."""
    hub.add(NAME, files)
    hub.hold_after = len(files["model.safetensors"]) // 2
    run = driver.submit(model=NAME)
    driver.until(run, fetching)
    wait_for(hub.ranges, bool)
    wait_for(
        lambda: any(path.stat().st_size for path in cache.repository(NAME).glob("blobs/*.incomplete")), bool
    )
    return run


def test_the_model_is_fetched_while_another_run_holds_the_device(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    commit = hub.add(NAME, files)
    first = driver.submit(max_steps=LONG)
    second = driver.submit(model=NAME, max_steps=4)
    waiting = driver.until(second, lambda state: fetched(state) and state.status == "queued")
    assert waiting.revision == commit
    assert "holds" in driver.until(second, lambda state: "holds" in state.reason).reason
    assert hub.fetched("gguf") == hub.fetched("bin") == []
    driver.session.act(first, "kill")
    assert driver.ended(second).status == "succeeded"
    kinds = [(type(event), getattr(event, "device", None)) for event in events(driver, second)]
    order = [kinds.index(kind) for kind in ((ev.Started, "hub"), (ev.Fetched, None), (ev.Started, "cpu"))]
    assert order == sorted(order)
    config = json.loads((RunDir(driver.root, second).adapter / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (NAME, commit)


def test_a_resumed_run_keeps_its_commit_whatever_main_means_since(
    hub: Hub, driver: Driver, files: dict[str, bytes], unbroken: bytes
) -> None:
    commit = hub.add(NAME, files)
    run = driver.submit(model=NAME)
    os.kill(worker_pid(driver.until(run, reached(45))), signal.SIGKILL)
    driver.ended(run)
    newer = hub.add(NAME, files | {"generation_config.json": b'{"newer": true}'})
    pull = [sys.executable, "-m", "openlora_tui.cli.main", "pull", NAME]
    subprocess.run(pull, check=True, capture_output=True, timeout=60)
    assert cache.snapshot(NAME) == cache.snapshot(NAME, newer)
    hub.asked.clear()
    driver.session.act(run, "resume")
    driver.until(run, lambda state: state.outcome is None)
    ended = driver.ended(run)
    assert ended.status == "succeeded", ended.outcome
    assert ended.revision == commit
    assert driver.adapter(run) == unbroken
    assert hub.asked == []


def test_a_fetch_is_stopped_and_nothing_else_can_be_asked_of_it(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    run = held(hub, driver, files)
    with pytest.raises(Problem, match="being fetched"):
        driver.session.act(run, "pause")
    driver.session.act(run, "stop")
    assert driver.ended(run).status == "stopped"
    have = part().stat().st_size
    assert have > 0
    hub.hold_after = None
    hub.asked.clear()
    driver.session.act(run, "resume")
    driver.until(run, fetched)
    assert hub.ranges() == [f"bytes={have}-"]
    driver.session.act(run, "kill")
    driver.ended(run)


def test_a_killed_fetch_is_explained_and_goes_on_where_it_was(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    run = held(hub, driver, files)
    os.kill(worker_pid(driver.state(run)), signal.SIGKILL)
    dead = driver.ended(run)
    assert isinstance(dead.outcome, ev.Failed)
    assert dead.outcome.signal == "SIGKILL"
    assert "goes on with the download" in dead.outcome.do
    have = part().stat().st_size
    hub.hold_after = None
    hub.asked.clear()
    driver.session.act(run, "resume")
    driver.until(run, lambda state: state.outcome is None and state.base != "")
    assert hub.ranges() == [f"bytes={have}-"]
    driver.session.act(run, "kill")
    driver.ended(run)


def test_a_fetch_outlives_its_engine_and_the_next_one_starts_the_training(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    run = held(hub, driver, files)
    engine = bus.engine_pid(driver.root)
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    wait_for(lambda: bus.engine_pid(driver.root), lambda pid: pid not in (None, engine), 60)
    hub.let_go.set()
    driver.until(run, lambda state: state.device == "cpu")
    assert hub.ranges() == [""]
    driver.session.act(run, "kill")
    driver.ended(run)


def test_two_runs_that_want_the_same_model_fetch_it_once(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    first = held(hub, driver, files)
    second = driver.submit(model=NAME)
    driver.until(second, fetching)
    hub.let_go.set()
    states = [driver.until(run, fetched) for run in (first, second)]
    assert states[0].base == states[1].base
    assert hub.ranges() == [""]
    for run in (second, first):
        driver.session.act(run, "kill")
        driver.ended(run)


def test_a_gated_model_ends_the_run_with_page_and_account_and_no_token_is_kept(
    hub: Hub, driver: Driver, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, files, gated=True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    run = driver.submit(model=NAME)
    end = driver.ended(run).outcome
    assert isinstance(end, ev.Failed)
    assert f"{hub.endpoint}/{NAME}" in end.where
    assert OWNER in end.why
    assert end.findings[0].category == "hub_auth_or_gated"
    kept = [path.read_bytes() for path in RunDir(driver.root, run).path.rglob("*") if path.is_file()]
    assert kept
    assert not any(TOKEN.encode() in data for data in kept)


def test_in_the_foreground_the_same_process_fetches_and_trains(
    hub: Hub, driver: Driver, files: dict[str, bytes], tmp_path: Path
) -> None:
    commit = hub.add(NAME, files)
    recipe = changed(driver.recipe, {"model": NAME, "max_steps": 2, "data": driver.recipe.resolved().data})
    (tmp_path / "hub.yaml").write_text(recipe.text)
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(tmp_path / "hub.yaml")]
    environment = os.environ | {"OPENLORA_HOME": str(tmp_path / "alone")}
    done = subprocess.run(
        [*command, "--foreground", "--json"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in told]
    assert kinds.index("fetched") < kinds.index("planned")
    assert next(event["revision"] for event in told if event["event"] == "fetched") == commit
    assert told[-1]["event"] == "finished"


def test_a_dataset_comes_by_the_same_first_job_and_the_run_keeps_to_its_commit(
    hub: Hub, driver: Driver, files: dict[str, bytes]
) -> None:
    rows = [json.dumps({"prompt": f"q{i}", "completion": " a"}).encode() for i in range(40)]
    card = {"README.md": b"# Rows", "data/test-00000-of-00001.jsonl": rows[0]}
    hub.add(NAME, files)
    commit = hub.add("datasets/owner/rows", card | {"data/train-00000-of-00001.jsonl": b"\n".join(rows)})
    run = driver.submit(model=NAME, data="owner/rows", max_steps=2)
    driver.until(run, lambda state: state.outcome is not None)
    directory = RunDir(driver.root, run)
    [pinned] = directory.pinned_data()
    assert pinned.bound == Entry(path="owner/rows", revision=commit, name="default", split="train")
    told = [event.detail or event.name for event in events(driver, run) if isinstance(event, ev.Phase)]
    assert told[:2] == [NAME, "owner/rows"]
    ended = [event for event in events(driver, run) if isinstance(event, ev.Finished)]
    assert [event.outcome for event in ended] == ["succeeded"]

    hub.add("datasets/owner/rows", card | {"data/train-00000-of-00001.jsonl": rows[1]})
    hub.asked.clear()
    again = bound_recipe(directory, read(directory.recipe).resolved())
    assert again.data == [pinned.bound]
    assert not list(missing_datasets(directory, again))
