"""Eight cards, an engine that leases them, and another user's engine on the same machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import bus, paths
from engine.client.context import job_context
from engine.problem import Problem
from engine.recipe import read
from engine.run_dir import RunDir
from openlora_tui.cli.session import Session
from tests.engine.process.conftest import end_all
from tests.engine.process.driving import Driver, wait_for

CARDS = Path(__file__).with_name("cards")


@pytest.fixture
def cards(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with eight cards of 24 GiB that are as good as empty, and workers that need no torch."""
    file = tmp_path / "cards.txt"
    file.write_text(getattr(request, "param", "0.5 24\n" * 8))
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {CARDS / "worker.py"} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("FAKE_CARDS", str(file))
    monkeypatch.setenv("FAKE_MACHINE", tmp_path.name)
    monkeypatch.setenv("OPENLORA_CARD_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CARDS), *sys.path]))
    return file


@pytest.fixture
def on_cards(cards: Path, home: Path, recipe_file: Path) -> Iterator[Driver]:
    with Session(home) as session:
        yield _Driver(home, session, read(recipe_file))


class _Driver(Driver):
    """Whose workers are those of `cards`."""

    def submit(self, **changes: object) -> str:
        stand_in = str(Path(os.environ["FAKE_CARDS"]).with_name("python"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "executable", stand_in)
            assert job_context().python == stand_in
            return super().submit(**({"devices": "auto"} | changes))

    def waits(self, run: str, reason: str) -> None:
        self.until(run, lambda state: state.status == "queued" and state.reason == reason)

    def on(self, run: str, device: str) -> None:
        self.until(run, lambda state: state.status == "starting" and state.device == device and state.log)


def test_runs_lease_cards_and_say_what_they_wait_for(on_cards: _Driver) -> None:
    four, named = on_cards.submit(devices=4), on_cards.submit(devices=[6, 5])
    on_cards.on(four, "cuda:0,1,2,3")
    on_cards.on(named, "cuda:6,5")
    machine = os.environ["FAKE_MACHINE"]
    assert on_cards.state(named).log[-1].text == f"GPU-6000-{machine},GPU-5000-{machine}"
    one, both, behind = (on_cards.submit(devices=devices) for devices in ("auto", 2, [7]))
    on_cards.on(one, "cuda:4")
    on_cards.waits(both, f"waits for 1 of 2 cards: cuda:0, which run {four} holds")
    on_cards.waits(behind, f"waits for cuda:7, after run {both}")
    listed = wait_for(on_cards.session.rows, lambda rows: all("cuda" in row.reason for row in rows[:2]))
    assert listed[0].reason == f"waits for cuda:7, after run {both}"

    # A tiny model is known to take little: it starts beside the one that holds the card.
    answer = on_cards.session.act(behind, "pin", None, {"devices": "cuda:4"})
    assert answer.note == "it starts on cuda:4 alone"
    on_cards.on(behind, "cuda:4")
    assert on_cards.state(one).outcome is None
    with pytest.raises(Problem, match="The device cuda:9 is not there"):
        on_cards.session.act(both, "pin", None, {"devices": "cuda:9"})
    with pytest.raises(Problem, match="does not wait in the queue"):
        on_cards.session.act(behind, "pin", None, {"devices": "cuda:5"})


def test_two_engines_on_one_machine_never_lease_one_card(
    on_cards: _Driver, tmp_path: Path, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = on_cards.submit(devices=7)
    on_cards.on(first, "cuda:0,1,2,3,4,5,6")
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "other"))
    other_home = paths.home()
    try:
        with Session(other_home) as session:
            other = _Driver(other_home, session, read(recipe_file))
            last = other.submit()
            other.on(last, "cuda:7")
            waits = other.submit(devices=[0])
            said = other.until(waits, lambda state: state.reason.startswith("waits for cuda:0")).reason
            assert "which OpenLoRA of " in said
            # The engine that leased them dies; its worker goes on, and so does the lock.
            pid = bus.engine_pid(on_cards.root)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert other.state(waits).status == "queued"
            record = RunDir(on_cards.root, first).worker()
            assert record is not None
            os.killpg(record.pid, signal.SIGKILL)
            other.on(waits, "cuda:0")
    finally:
        end_all(other_home)


@pytest.mark.parametrize("cards", ["23.9 24\n" * 8], indirect=True)
def test_a_card_that_other_programs_fill_is_waited_for(on_cards: _Driver, cards: Path) -> None:
    run = on_cards.submit()
    on_cards.waits(run, "waits for cuda:0, of which other programs hold 23.9 GiB of 24.0 GiB")
    cards.write_text("23.9 24\n" * 5 + "3 24\n" * 3)
    on_cards.on(run, "cuda:5")


def test_a_run_that_asks_for_more_cards_than_there_are_is_told_at_once(on_cards: _Driver) -> None:
    run = on_cards.submit(devices=9)
    outcome = on_cards.ended(run).outcome
    assert msgspec.to_builtins(outcome)["what"] == "9 cards are not there."
