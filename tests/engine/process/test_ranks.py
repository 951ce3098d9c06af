"""Two ranks under the engine: orders reach both, and a lost one costs the work since the last checkpoint."""

from __future__ import annotations

import signal

import psutil

from engine import events as ev
from engine.event_log import EventReader
from engine.run_dir import RunDir
from tests.engine.process.driving import Driver, reached, worker_pid


def _ranks(leader: int) -> list[psutil.Process]:
    """The processes of the ranks, the first one first."""
    return sorted(psutil.Process(leader).children(), key=lambda process: process.pid)


def test_a_killed_rank_costs_the_steps_since_the_checkpoint_and_orders_reach_all_ranks(
    driver: Driver,
) -> None:
    run = driver.submit(devices="cpu:2", per_device_train_batch_size=4, max_steps=100_000, save_steps=10)
    state = driver.until(run, reached(25))
    assert state.device == "2 x cpu"
    leader = worker_pid(state)
    first = _ranks(leader)
    assert len(first) == 2
    driver.session.act(run, "pause")
    paused = driver.until(run, lambda state: state.status == "paused")
    driver.session.act(run, "resume")
    driver.until(run, reached(paused.step + 5))

    first[1].send_signal(signal.SIGKILL)
    driver.until(run, lambda state: any("began again" in f.title for f in state.findings))
    again = driver.until(run, lambda state: state.status == "running" and state.phase == "training")
    second = _ranks(worker_pid(again))
    assert worker_pid(again) == leader
    assert not psutil.wait_procs(first, 30)[1]
    driver.until(run, reached(again.step + 5))

    driver.session.act(run, "stop")
    ended = driver.ended(run)
    assert ended.status == "stopped", ended.outcome
    assert isinstance(ended.outcome, ev.Finished)
    assert ended.outcome.adapter
    assert not psutil.wait_procs(second, 30)[1]
    _done_twice_alike(driver, run)
    directory = RunDir(driver.root, run)
    assert directory.console_of(1).exists()


def _done_twice_alike(driver: Driver, run: str) -> None:
    """Steps between the checkpoint and the death were done again, and came to the same to the last bit."""
    losses: dict[int, set[float | None]] = {}
    times: dict[int, int] = {}
    for line in EventReader(RunDir(driver.root, run).events):
        event = ev.decode(line)
        if isinstance(event, ev.Step):
            losses.setdefault(event.step, set()).add(event.loss)
            times[event.step] = times.get(event.step, 0) + 1
    assert list(losses) == list(range(1, len(losses) + 1))
    assert max(times.values()) == 2
    assert all(len(values) == 1 for values in losses.values())
