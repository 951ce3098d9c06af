"""A home with a live run that this process pretends to work on, so that the app has something to show."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import bus, paths
from engine import events as ev
from engine import messages as m
from engine.client.context import job_context
from engine.event_log import EventWriter
from engine.run_dir import RunDir


@contextmanager
def home() -> Iterator[Path]:
    """An empty home of its own; its engine is asked to leave afterwards."""
    before = os.environ.get("OPENLORA_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OPENLORA_HOME"] = folder
        root = paths.home()
        try:
            yield root
        finally:
            _leave(root)
            os.environ.pop("OPENLORA_HOME")
            if before is not None:
                os.environ["OPENLORA_HOME"] = before


@contextmanager
def live_run(root: Path, past: int, per_second: float) -> Iterator[str]:
    """A run with `past` steps behind it that goes on at so many steps a second."""
    run = RunDir.create(root, "model: tiny\ndata: rows.txt\n", job_context())
    with run.working():
        record = run.write_worker("cpu")
        writer = EventWriter(run.events)
        for event in opening(run.run, record.pid, record.host):
            writer.write(event)
        for step in range(1, past + 1):
            writer.write(step_of(step))
        run.mark_live()
        stop = threading.Event()
        thread = threading.Thread(target=_go_on, args=(writer, past, per_second, stop), daemon=True)
        thread.start()
        try:
            yield run.run
        finally:
            stop.set()
            thread.join()
            writer.write(ev.Finished(run=run.run, outcome="stopped", steps=past, loss=1.0, adapter=None))
            writer.close()
            run.mark_ended()


def spent(call: list[str], **variables: str) -> tuple[float, int]:
    """Seconds and peak bytes of memory of a Python process with the arguments `call`.

    Raises:
        RuntimeError: with what it said, where it failed.
    """
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *call], stdout=said, stderr=said, env={**os.environ, **variables}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read())
    return seconds, usage.ru_maxrss * 1024


def opening(run: str, pid: int, host: str) -> list[ev.Event]:
    """What a worker says before its first step."""
    return [
        ev.Created(run=run, name="wire", model="tiny", data=["rows.txt"], steps=2_000_000),
        ev.Started(pid=pid, host=host, device="cpu"),
        ev.Planned(
            steps=2_000_000, epochs=3.0, rows=10_000, eval_rows=500, tokens=1_000_000, label_tokens=600_000,
            trainable=100_000, parameters=1_000_000, batch_rows=16,
        ),
        ev.Phase(name="training"),
    ]  # fmt: skip


def step_of(step: int) -> ev.Step:
    """A step of a loss that falls and wobbles."""
    wobble = math.sin(step * 12.9898) * 0.1
    return ev.Step(
        step=step, loss=2.0 + 3.0 / (1 + step / 200) + wobble, lr=2e-4, grad_norm=1.0 + wobble, tokens=2048,
        label_tokens=1200, seconds=0.1, epoch=step / 1000,
    )  # fmt: skip


def _go_on(writer: EventWriter, past: int, per_second: float, stop: threading.Event) -> None:
    step, beat = past, time.monotonic()
    while not stop.wait(1 / per_second):
        step += 1
        writer.write(step_of(step))
        if step % 50 == 0:
            writer.write(ev.Evaluated(step=step, loss=2.5, label_tokens=1000, seconds=0.1))
            writer.write(ev.Sampled(step=step, prompt="Once upon", text=f"a time there were {step} steps"))
        if time.monotonic() - beat > 2:
            beat = time.monotonic()
            writer.write(ev.Heartbeat(cpu=1.5, rss=500_000_000 + step % 7 * 1_000_000))


def _leave(root: Path) -> None:
    try:
        bus.connect(root).exchange("leave", [m.encode(m.Leave(front="leave"))])
    except bus.LOST:
        return
    end = time.monotonic() + 5
    while time.monotonic() < end and paths.engine_link(root).is_symlink():
        time.sleep(0.05)
