"""Where everything lies, and that an uninstall takes OpenLoRA's own files and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import bus, paths
from engine.client.start import attach
from engine.messages import JobContext
from engine.run_dir import RunDir
from openlora_tui.cli.session import Session
from openlora_tui.whereabouts import bytes_below, spots

CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main"]
RECIPE = "model: m\ndata: d\n"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def said(*words: str, status: int = 0, answer: str | None = None) -> str:
    """stdout, and after a failure stderr too."""
    done = subprocess.run([*CLI, *words], capture_output=True, text=True, timeout=60, input=answer)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + (done.stderr if status else "")


def document(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def run_with(home: Path, recipe: str = RECIPE) -> RunDir:
    run = RunDir.create(home, recipe, JobContext(python="", cwd="", umask=0, env={}))
    (run.path / "adapter").mkdir()
    (run.path / "adapter" / "weights").write_bytes(b"x" * 4096)
    return run


def test_a_script_gets_one_bare_path(home: Path, tmp_path: Path) -> None:
    assert said("where", "runs") == f"{home}/runs\n"
    assert said("where", "cache") == f"{tmp_path}/hf/hub\n"
    assert "engine-log" in said("where", "nothing", status=2)


def test_everything_is_listed_with_its_size_and_whether_it_is_there(home: Path) -> None:
    run = run_with(home)
    found = {place["name"]: place for place in document("where")["places"]}
    assert set(found) == {spot.name for spot in spots()}
    assert found["runs"]["bytes"] == found["home"]["bytes"] == bytes_below(run.path) > 4096
    assert (found["store"]["exists"], found["runs"]["exists"]) == (False, True)
    assert f"{home}/runs" in said("where")


def test_a_home_that_was_never_made_is_told_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "never"))
    assert document("where", "home") == {"path": str(tmp_path / "never")}
    assert not any(place["exists"] for place in document("where")["places"] if "never" in place["path"])
    assert document("uninstall", "--dry-run")["goes"] == []
    assert not (tmp_path / "never").exists()


def used(home: Path, tmp_path: Path) -> list[Path]:
    """A home as it is after some use, in a folder with other things in it; returns what is not OpenLoRA's."""
    run_with(home)
    run_with(home, f"{RECIPE}output_dir: {tmp_path}/mine\n")
    for name in (
        "engine.log",
        "deleted.jsonl",
        "chat_history",
        "store.sqlite-wal",
        "ui.json",
    ):
        (home / name).write_text("x")
    for name in ("live", "drafts", "starter/starter-1M"):
        (home / name).mkdir(parents=True)
    mine = [home / "thesis.tex", home / "runs" / "tensorboard", home / "live" / "set list.txt",
            tmp_path / "mine" / "adapter", tmp_path / "config" / "openlora" / "keys.toml"]  # fmt: skip
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    return mine


def test_a_dry_run_lists_what_goes_and_what_stays_and_touches_nothing(home: Path, tmp_path: Path) -> None:
    mine = used(home, tmp_path)
    before = sorted(home.rglob("*"))
    told = document("uninstall", "--dry-run")
    goes, stays = ({entry["path"] for entry in told[name]} for name in ("goes", "stays"))
    assert {str(home / name) for name in ("runs", "starter", "store.sqlite-wal", "ui.json")} <= goes
    assert {str(path) for path in mine[:3]} | {str(tmp_path / "mine")} <= stays
    assert str(tmp_path / "config" / "openlora") in stays
    assert not goes & stays
    assert told["commands"][0] == "openlora uninstall"
    assert told["commands"][1].endswith("-m pip uninstall openlora-tui")
    assert sorted(home.rglob("*")) == before


def test_what_is_openloras_goes_with_its_engine_and_nothing_else_does(home: Path, tmp_path: Path) -> None:
    mine = used(home, tmp_path)
    (home / "store.sqlite-wal").unlink()
    attach(home)
    pid = bus.engine_pid(home)
    assert pid is not None
    assert "--yes" in said("uninstall", status=2, answer="")
    assert "pip uninstall openlora-tui" in said("uninstall", "--yes")
    assert os.waitid(os.P_PID, pid, os.WEXITED) is not None
    left = {path for path in home.rglob("*") if path.is_file()}
    assert left == set(mine[:3])
    assert all(path.read_text() == "mine" for path in mine)
    assert not list(paths.socket_path().glob(f"{paths.engine_name(home)}*"))
    assert document("uninstall", "--dry-run")["goes"] == []


def test_a_live_run_is_never_taken_from_under_its_worker(home: Path) -> None:
    run = run_with(home)
    run.mark_live()
    assert "openlora runs stop --all" in said("uninstall", "--yes", status=1).replace("\n", " ")
    assert run.path.is_dir()


def test_a_front_end_that_is_attached_would_start_the_next_engine(home: Path) -> None:
    run = run_with(home)
    with Session(home):
        assert "a front end is attached" in said("uninstall", "--yes", status=1)
    assert run.path.is_dir()


def test_a_folder_of_runs_that_is_a_link_loses_the_runs_alone(home: Path, tmp_path: Path) -> None:
    (home / "runs").rmdir()
    (tmp_path / "large disk").mkdir()
    (home / "runs").symlink_to(tmp_path / "large disk")
    run_with(home)
    (tmp_path / "large disk" / "other").mkdir()
    said("uninstall", "--yes")
    assert [path.name for path in (tmp_path / "large disk").iterdir()] == ["other"]
