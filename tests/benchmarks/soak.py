"""Six hours of events at 50 a second, in minutes: what worker, engine and app hold as they come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from engine import bus
from engine.run_dir import RunDir
from tests.benchmarks.scene import home
from tests.terminal import Terminal

TITLE: Final = "Soak: 1,080,000 events, six hours of 50 a second (bar: memory and handles flat)"
_EVENTS: Final = 50 * 3600 * 6
_PER_SECOND: Final = 3000
_READINGS: Final = 9
_WORKER: Final = """
import sys, time
from pathlib import Path
from engine import events as ev
from engine.client.context import job_context
from engine.event_log import EventWriter
from engine.run_dir import RunDir
from engine.worker.pulse import Pulse
from tests.benchmarks.scene import opening, step_of
root, count, rate = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
run = RunDir.create(root, "model: tiny\\ndata: rows.txt\\n", job_context())
with run.working():
    record = run.write_worker("cpu")
    writer = EventWriter(run.events)
    pulse = Pulse(writer)
    pulse.start()
    for event in opening(run.run, record.pid, record.host):
        pulse.report(event)
    run.mark_live()
    sys.stdin.readline()
    began = time.monotonic()
    for step in range(1, count + 1):
        pulse.report(step_of(step))
        if step % 1000 == 0:
            pulse.report(ev.Evaluated(step=step, loss=2.5, label_tokens=1000, seconds=0.1))
            pulse.report(ev.Sampled(step=step, prompt="Once upon", text=f"a time there were {step} steps"))
        if step % 20 == 0:
            time.sleep(max(0.0, began + step / rate - time.monotonic()))
    sys.stdin.readline()
"""


def measure() -> None:
    """The app watches the run on its Train screen at 120x36 throughout."""
    print("| events | worker | engine | app | bytes to the terminal |\n|---|---|---|---|---|")
    with home() as root, _worker(root) as worker:
        with Terminal([sys.executable, "-m", "openlora_tui.start"], 120, 36) as terminal:
            terminal.until("wire", 120)
            terminal.press("\r")
            terminal.until("loss", 60)
            engine = bus.engine_pid(root)
            assert engine is not None
            watched = [psutil.Process(pid) for pid in (worker.pid, engine, terminal.pid)]
            _tell(worker)
            for part in range(1, _READINGS + 1):
                _until(root, terminal, _EVENTS * part // _READINGS)
                cells = [_holds(process) for process in watched]
                print(
                    f"| {_EVENTS * part // _READINGS:,} | {' | '.join(cells)} | {terminal.bytes:,} |",
                    flush=True,
                )


@contextmanager
def _worker(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", _WORKER, str(root), str(_EVENTS), str(_PER_SECOND)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def _tell(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    worker.stdin.write(b"\n")
    worker.stdin.flush()


def _until(root: Path, terminal: Terminal, events: int) -> None:
    """Read the terminal until the file holds about so many events."""
    log = RunDir(root, "1").events
    bytes_each = 0.0
    while True:
        terminal.pump(0.5)
        size = log.stat().st_size
        if not bytes_each and size > 1 << 20:
            bytes_each = size / log.read_bytes().count(b"\n")
        if bytes_each and size / bytes_each >= events * 0.999:
            return


def _holds(process: psutil.Process) -> str:
    memory = process.memory_info().rss / 1e6
    return f"{memory:,.1f} MB, {process.num_fds()} handles, {process.num_threads()} threads"
