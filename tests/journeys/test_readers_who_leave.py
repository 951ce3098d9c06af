"""A terminal that closes and a pipe whose reader leaves take nothing from a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from engine import events as ev
from engine.event_log import EventReader
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from tests.terminal import Terminal

CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main"]
PATIENCE = 180.0


def test_a_run_goes_on_when_its_pipe_breaks_and_when_its_terminal_closes(folder: Path, home: Path) -> None:
    recipe = folder / "left.yaml"
    recipe.write_text("model: ./model\ndata: sums.csv\nmax_length: 64\nmax_steps: 100000\n")
    piped = subprocess.run(
        ["bash", "-c", f"{' '.join(CLI)} train {recipe} --json | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert piped.returncode == 1
    assert len(piped.stdout.splitlines()) == 1
    assert "run 1 goes on" in piped.stderr
    assert "Traceback" not in piped.stderr
    with Terminal([*CLI, "runs", "watch", "1"], 100, 24) as watching:
        watching.until("step ", PATIENCE)
        watching.hang_up()
        assert watching.until_ended() == 128 + signal.SIGHUP
    with Terminal([*CLI, "runs", "watch", "1"], 100, 24) as watching:
        watching.until("step ", PATIENCE)
        watching.send(signal.SIGTERM)
        assert watching.until_ended() == 128 + signal.SIGTERM
        assert watching.given_back
    assert _state(home).outcome is None
    stopped = subprocess.run([*CLI, "runs", "stop", "1"], capture_output=True, text=True, timeout=PATIENCE)
    assert stopped.returncode == 0, stopped.stderr
    ended = subprocess.run([*CLI, "runs", "watch", "1"], capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    assert isinstance(_state(home).outcome, ev.Finished)


def test_in_the_foreground_the_work_counts_and_not_its_reader(folder: Path, home: Path) -> None:
    recipe = folder / "foreground.yaml"
    recipe.write_text("model: ./model\ndata: sums.csv\nmax_length: 64\nmax_steps: 3\n")
    command = f"{' '.join(CLI)} train {recipe} --foreground --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert isinstance(_state(home).outcome, ev.Finished)


def _state(home: Path) -> RunState:
    return fold(EventReader(RunDir(home, "1").events))
