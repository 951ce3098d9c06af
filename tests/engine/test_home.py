"""A home that cannot be used is told in one message, in which the reason stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import paths
from engine.problem import Problem
from engine.store import Store
from tests.engine.small_disk import SmallDisk
from tests.terminal import Terminal


def told(monkeypatch: pytest.MonkeyPatch, root: Path) -> Problem:
    monkeypatch.setenv("OPENLORA_HOME", str(root))
    with pytest.raises(Problem) as caught:
        paths.home()
    assert caught.value.where == str(root)
    assert "OPENLORA_HOME" in caught.value.do
    return caught.value


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A home that belongs to another user, in which we may write all the same."""
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    root = tmp_path / "theirs"
    (root / "runs").mkdir(parents=True)
    for folder in (root, root / "runs"):
        os.chown(folder, 12345, 12345)
    return root


def test_one_on_a_disk_that_can_only_be_read(small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small_disk.folder / "home"
    (root / "runs").mkdir(parents=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.folder)], check=True, timeout=30)
    assert told(monkeypatch, root).why == "It lies on a file system that can only be read."


def test_one_that_would_have_to_be_made_there(small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.folder)], check=True, timeout=30)
    assert told(monkeypatch, small_disk.folder / "home").why == "Read-only file system."


def test_one_of_another_user(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, foreign).why == f"It belongs to user 12345, and you are user {os.getuid()}."
    assert os.listdir(foreign) == ["runs"]


def test_a_share_that_gives_everything_one_owner_is_used(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLORA_HOME", str(foreign))
    honest = os.fstat

    def mapped(descriptor: int) -> os.stat_result:
        found = list(honest(descriptor))
        found[4] = 12345
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", mapped)
    assert paths.home() == foreign


def test_the_command_line_says_so_in_one_message(foreign: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openlora_tui.cli.main", "runs"],
        env=os.environ | {"OPENLORA_HOME": str(foreign)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"openlora: {foreign}: The folder for runs cannot be used.\n")
    assert "Traceback" not in done.stderr


def test_the_app_says_so_too(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLORA_HOME", str(foreign))
    with Terminal([sys.executable, "-P", "-m", "openlora_tui.start"], 100, 24) as app:
        app.until("It belongs to user 12345")
        assert app.until_ended() == 2
        assert "Traceback" not in app.text


def test_on_a_network_file_system_the_index_does_without_wal_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(paths, "file_system", lambda path: "nfs4")
    store = Store(tmp_path)
    assert any("network file system (nfs4)" in note for note in store.notes)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(("-wal", "-shm"))]
    store.close()
