"""Many at once: runs by the hundred, front ends by the dozen, and one that never reads what it is sent."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine import bus
from engine import events as ev
from engine import messages as m
from engine.client.context import job_context
from engine.client.link import Link
from engine.recipe import absolute_text, changed, read
from engine.run_dir import RunDir
from engine.run_state import fold
from openlora_tui.cli.session import Session
from tests.engine import strategies as some
from tests.engine.process.driving import Driver, wait_for
from tests.engine.process.other_version import OLDER, OtherVersion

FRONTS, RUNS = 20, 200


def test_a_storm_of_requests_is_answered_whole_and_each_run_has_a_number_of_its_own(
    home: Path, recipe_file: Path
) -> None:
    links = [Link(home) for _ in range(FRONTS)]
    text, context = absolute_text(read(recipe_file)), job_context()
    for link in links:
        link.start()
    for number in range(RUNS):
        link = links[number % FRONTS]
        submit = m.Submit(
            front=link.front, request=str(number), name="n", recipe=text, context=context, hold=True
        )
        link.send(submit)
    came: list[m.Accepted] = []

    def answers() -> int:
        for link in links:
            came.extend(message for message in link.receive() if isinstance(message, m.Accepted))
        return len(came)

    wait_for(answers, lambda count: count == RUNS, 120)
    assert {answer.request for answer in came} == {str(number) for number in range(RUNS)}
    numbers = [str(number) for number in range(RUNS, 0, -1)]
    assert sorted((answer.run for answer in came), key=int, reverse=True) == numbers
    with Session(home) as session:
        rows = session.rows()
        assert [row.run for row in rows] == numbers
        assert {row.status for row in rows} == {"queued"}
        assert all(row.held for row in rows)
    for link in links:
        link.close()


def test_a_front_end_that_never_reads_costs_the_engine_nothing_and_is_forgotten(
    home: Path, tmp_path: Path, recipe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = OtherVersion(tmp_path / "hasty", OLDER)
    hasty.edit("engine/bus.py", "SILENT: Final = 10.0", "SILENT: Final = 1.0")
    hasty.edit("engine/bus.py", "_DEPTH: Final = 4096", "_DEPTH: Final = 4")
    monkeypatch.setenv("PYTHONPATH", hasty.python_path)
    with Session(home) as session:
        recipe = read(recipe_file)
        deaf = bus.connect(home)
        deaf.exchange("front-deaf", [m.encode(m.Hello(front="front-deaf", pid=1, version=OLDER, app=True))])
        for _ in range(12):
            session.submit(recipe, hold=True)
        assert len(session.rows()) == 12
        assert len(deaf.take("front-deaf")) <= 4

        def attached() -> int:
            link = Link(home)
            link.start()
            welcome = wait_for(link.receive, bool, 30)[0]
            link.close()
            assert isinstance(welcome, m.Welcome)
            return welcome.attached

        assert wait_for(attached, lambda count: count == 2, 60)


def test_a_long_run_that_was_copied_in_is_watched_while_others_are_answered(driver: Driver) -> None:
    directory = RunDir.create(driver.root, "model: m\n", m.JobContext(python="", cwd="/", umask=0))
    steps = 40_000
    events = (*some.started(), *(some.step(number) for number in range(1, steps + 1)))
    lines = [ev.encode(event) for event in events]
    directory.events.write_bytes(b"".join(lines))
    link = Link(driver.root)
    link.start()
    link.send(m.Watch(front=link.front, run=directory.run))
    came: list[m.ToFront] = []

    def snapshot() -> m.Snapshot | None:
        driver.session.rows()
        came.extend(link.receive())
        return next((message for message in came if isinstance(message, m.Snapshot)), None)

    found = wait_for(snapshot, lambda message: message is not None, 60)
    assert found is not None
    state = fold(line.rstrip(b"\n") for line in lines)
    state.run, state.offset = directory.run, directory.events.stat().st_size
    assert found.state == state
    link.close()


def test_a_queue_is_in_order_after_the_engine_was_killed(driver: Driver) -> None:
    runs = [driver.session.submit(changed(driver.recipe, {"seed": seed}), hold=True) for seed in range(5)]
    driver.session.act(runs[4], "sooner")
    before = _queue(driver)
    pid = bus.engine_pid(driver.root)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: bus.engine_pid(driver.root), lambda now: now not in (None, pid), 60)
    assert wait_for(lambda: _queue(driver), lambda queue: len(queue) == 5) == before
    assert before == [runs[0], runs[1], runs[2], runs[4], runs[3]]


def _queue(driver: Driver) -> list[str]:
    return [row.run for row in sorted(driver.session.rows(), key=lambda row: row.place)]
