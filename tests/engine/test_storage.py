"""What takes room is listed with what holds it; what goes takes no history with it."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

import msgspec
import pytest

from engine import events as ev
from engine.data.dataset import Rows
from engine.data.shelf.shelf import META, Meta
from engine.event_log import EventReader, append
from engine.messages import JobContext
from engine.past_runs import last_word
from engine.run_dir import RunDir
from engine.run_state import fold
from engine.storage.prune import goes_unasked, prune
from engine.storage.survey import Item, survey
from openlora_tui.cli.main import main

CONTEXT = JobContext(python="python", cwd="/", umask=0o022)
HUB = "model: owner/needed\ndata: d.jsonl\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "home"
    (root / "runs").mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    monkeypatch.setenv("OPENLORA_HOME", str(root))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return root


def run_in(home: Path, outcome: str = "succeeded", recipe: str = "model: m\ndata: d.jsonl\n") -> RunDir:
    directory = RunDir.create(home, recipe, CONTEXT)
    step = directory.checkpoints / "step-00000009"
    step.mkdir(parents=True)
    (step / "weights").write_bytes(bytes(5000))
    directory.adapter.mkdir()
    (directory.adapter / "adapter_config.json").write_text("{}")
    saved = ev.Saved(step=9, path=str(step), bytes=5000, seconds=0.1)
    first = ev.Created(run=directory.run, name=f"name-{directory.run}", model="m", data=["d.jsonl"])
    last: list[ev.Event] = [saved]
    if outcome == "live":
        directory.mark_live()
    else:
        last.append(ev.Finished(run=directory.run, outcome=outcome, steps=9, loss=1.0,  # type: ignore[arg-type]
                                adapter=str(directory.adapter)))  # fmt: skip
    append(directory.events, [first, *last])
    return directory


def entry_in(home: Path, name: str) -> Path:
    folder = home / "tokens" / name
    folder.mkdir(parents=True)
    meta = Meta(data=["/data/rows.jsonl"], files=[], rows=12, tokens=len(Rows()), highest=0)
    (folder / META).write_bytes(msgspec.json.encode(meta))
    (folder / "ids").write_bytes(bytes(7000))
    return folder


def repository(home: Path, name: str) -> Path:
    folder = home.parent / "hub" / f"models--{name.replace('/', '--')}"
    (folder / "blobs").mkdir(parents=True)
    (folder / "blobs" / "x").write_bytes(bytes(9000))
    return folder


def named(home: Path, name: str) -> Item:
    [item] = [item for item in survey(home) if name in item.name]
    return item


def test_each_thing_is_listed_with_its_room_and_with_what_holds_it(home: Path) -> None:
    done, stopped, live = run_in(home), run_in(home, "stopped"), run_in(home, "live", HUB)
    entry_in(home, "ab" * 16)
    repository(home, "owner/needed")
    repository(home, "owner/spare")

    assert named(home, f"name-{done.run}").bytes == 5000
    assert (named(home, f"name-{done.run}").held, named(home, f"name-{done.run}").loses) == ("", "")
    assert "could not go on" in named(home, f"name-{stopped.run}").loses
    assert named(home, f"name-{live.run}").held == f"run {live.run} is live"
    assert "12 rows" in named(home, "rows.jsonl").name
    assert f"run {live.run} is live" in named(home, "owner/needed").held
    assert named(home, "owner/spare").held == ""


def test_what_goes_unasked_is_neither_held_nor_missed_nor_young(home: Path) -> None:
    done, _, _ = run_in(home), run_in(home, "stopped"), run_in(home, "live")
    now = time.time()
    kinds = ("checkpoints", "tokens")
    chosen = [item for item in survey(home) if goes_unasked(item, kinds, older_than=0.0, now=now + 1)]
    assert [item.run for item in chosen] == [done.run]
    assert not goes_unasked(chosen[0], kinds, older_than=3600.0, now=now)
    assert not goes_unasked(chosen[0], ("hub",), older_than=0.0, now=now)


def test_checkpoints_go_and_the_history_says_so_and_stays(home: Path) -> None:
    directory = run_in(home)
    assert prune(named(home, "name-"), home) == ""
    assert not directory.resumable()
    assert (directory.adapter / "adapter_config.json").is_file()
    state = fold(EventReader(directory.events))
    assert (state.status, state.checkpoint) == ("succeeded", None)
    assert "its checkpoints were removed" in state.log[-1].text
    assert isinstance(last_word(directory), ev.Finished)


def test_nothing_that_came_to_be_used_meanwhile_goes(home: Path) -> None:
    directory, folder = run_in(home), entry_in(home, "cd" * 16)
    run, entry = named(home, "name-"), named(home, "rows.jsonl")
    directory.mark_live()
    with (folder / META).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert prune(run, home) == f"run {directory.run} is live"
        assert prune(entry, home) == "a run uses it"
        assert named(home, "rows.jsonl").held == "a run uses it"
    assert directory.resumable()
    assert prune(entry, home) == ""
    assert not folder.exists()


def test_the_command_removes_what_is_named_and_asks_first(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done, stopped, live = run_in(home), run_in(home, "stopped"), run_in(home, "live")
    spare = repository(home, "owner/spare")
    assert main(["storage"]) == 0
    assert "has not finished, and could not go on" in capsys.readouterr().out
    assert main(["storage", "prune"]) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert main(["storage", "prune", live.run, "--yes"]) == 1
    assert main(["storage", "prune", "nothing", "--yes"]) == 2
    assert done.resumable()
    assert main(["storage", "prune", "--yes", "--json"]) == 0
    assert '"freed":5000' in capsys.readouterr().out
    assert (done.resumable(), stopped.resumable(), live.resumable()) == (False, True, True)
    assert main(["storage", "prune", stopped.run, "owner/spare", "--yes"]) == 0
    assert not stopped.resumable()
    assert not spare.exists()
