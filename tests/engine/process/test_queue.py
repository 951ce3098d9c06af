"""The queue: runs that wait are held, released, and change places, and a new engine knows it."""

from __future__ import annotations

import os
import signal

import pytest

from engine import bus
from engine.problem import Problem
from engine.run_state import RunState
from openlora_tui.cli.session import Session
from tests.engine.process.driving import Driver, reached, wait_for

LONG = 100_000


def test_a_held_run_waits_until_it_is_released(driver: Driver) -> None:
    held = driver.session.submit(driver.recipe, hold=True)
    other = driver.submit(max_steps=LONG)
    driver.until(other, reached(1))
    assert driver.state(held).held
    driver.session.act(other, "kill")
    driver.ended(other)
    [row] = [row for row in driver.session.rows() if row.run == held]
    assert (row.status, row.held) == ("queued", True)
    driver.session.act(held, "release")
    driver.until(held, reached(1))
    with pytest.raises(Problem, match="does not wait in the queue"):
        driver.session.act(held, "hold")
    driver.session.act(held, "kill")
    driver.ended(held)


def test_runs_change_places_and_start_in_their_new_order(driver: Driver) -> None:
    first = driver.submit(max_steps=LONG)
    driver.until(first, reached(1))
    second, third = driver.submit(max_steps=LONG), driver.submit(max_steps=LONG)
    driver.until(third, lambda state: state.reason == f"waits for cpu, after run {second}")
    assert driver.session.act(third, "sooner").note == f"it comes before run {second} now"
    with pytest.raises(Problem, match="first in the queue already"):
        driver.session.act(third, "sooner")
    driver.until(second, lambda state: state.reason == f"waits for cpu, after run {third}")
    driver.session.act(first, "kill")
    driver.until(third, reached(1))
    assert driver.state(second).status == "queued"
    for run in (third, second):
        driver.session.act(run, "kill")
    driver.ended(second)


def test_a_new_engine_keeps_what_is_held_and_the_order(driver: Driver) -> None:
    first = driver.session.submit(driver.recipe, hold=True)
    second = driver.session.submit(driver.recipe, hold=True)
    driver.session.act(first, "later")
    pid = bus.engine_pid(driver.root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    def place(run: str) -> RunState:
        with Session(driver.root) as session:
            return session.state(run)

    found = [wait_for(lambda run=run: place(run), lambda state: state.held) for run in (second, first)]
    assert found[0].place < found[1].place
    with Session(driver.root) as session:
        for run in (first, second):
            session.act(run, "stop")
