"""A reboot with live records: what ran is told as dead with what is known, what waited waits on."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from engine import events as ev
from engine.client.context import job_context
from engine.event_log import EventReader, EventWriter
from engine.recipe import absolute_text, read
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from openlora_tui.cli.session import Session
from tests.engine.process.driving import wait_for


def _run(home: Path, recipe_file: Path, *events: ev.Event) -> RunDir:
    run = RunDir.create(home, absolute_text(read(recipe_file)), job_context())
    writer = EventWriter(run.events)
    writer.write(ev.Created(run=run.run, name="before", model="m", data=["d"], steps=120))
    for event in events:
        writer.write(event)
    writer.close()
    run.mark_live()
    return run


def _before_the_reboot(home: Path, recipe_file: Path) -> RunDir:
    started = ev.Started(pid=1, host="h", device="cpu")
    run = _run(home, recipe_file, ev.Queued(reason="waits"), started, ev.Phase(name="training"))
    record = run.write_worker("cpu")
    old = msgspec.structs.replace(record, boot="the one before")
    (run.path / "worker.json").write_bytes(msgspec.json.encode(old))
    return run


def test_a_run_from_before_a_reboot_is_buried_once_and_never_begun_again_unasked(
    home: Path, recipe_file: Path
) -> None:
    run = _before_the_reboot(home, recipe_file)
    held = _run(home, recipe_file, ev.Queued(reason="held", held=True))
    with Session(home) as session:

        def state() -> RunState:
            return fold(EventReader(run.events))

        dead = wait_for(state, lambda state: state.outcome is not None, 30)
        assert isinstance(dead.outcome, ev.Failed)
        assert dead.outcome.what == "The machine went down while the run worked."
        assert "openlora runs resume" in dead.outcome.do
        assert not run.live
        rows = wait_for(lambda: {row.run: row for row in session.rows()}, lambda rows: len(rows) == 2, 30)
        assert rows[held.run].held
        assert held.live
    with Session(home) as session:
        session.rows()
        failures = [e for e in map(ev.decode, EventReader(run.events)) if isinstance(e, ev.Failed)]
        assert len(failures) == 1


def test_runs_submitted_after_the_clock_was_set_back_come_last(home: Path, recipe_file: Path) -> None:
    ahead = time.time() + 86_400.0
    first = _run(home, recipe_file, ev.Queued(reason="held", held=True, t=ahead, place=ahead))
    with Session(home) as session:
        wait_for(session.rows, lambda rows: [row.run for row in rows] == [first.run], 30)
        second = session.submit(read(recipe_file), hold=True)
        rows = wait_for(session.rows, lambda rows: len(rows) == 2, 30)
        assert [row.run for row in sorted(rows, key=lambda row: row.place)] == [first.run, second]
