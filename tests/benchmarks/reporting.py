"""What reporting costs a run: time inside `report` in the worker, and the engine's CPU beside it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from engine import bus
from engine import messages as m
from engine.client.link import Link
from tests.benchmarks.scene import home, live_run

TITLE: Final = "Reporting (bar: under 1 % of step time)"
_TINY: Final = Path(__file__).parent.parent / "engine/process/tiny_model.py"
_WORKER: Final = """
import sys, time
from pathlib import Path
from engine.event_log import EventWriter
from engine.job import Job
from engine.recipe import Recipe
from engine.train.loop import train
from engine.worker.pulse import Pulse
model, data, folder = map(Path, sys.argv[1:])
writer = EventWriter(folder / "events.jsonl")
pulse = Pulse(writer)
pulse.start()
spent, steps, began = 0.0, 0, 0.0
def report(event):
    global spent, steps, began
    start = time.perf_counter()
    pulse.report(event)
    spent += time.perf_counter() - start
    if type(event).__name__ == "Step":
        steps += 1
        began = began or start
class Nobody:
    def next(self):
        return None
recipe = Recipe(model=str(model), data=str(data), max_length=64, max_steps=200, eval_split=0.0,
                sample_steps=0, save_steps=0, per_device_train_batch_size=8, gradient_accumulation_steps=4)
train(Job(run="1", folder=folder, recipe=recipe, device="cpu"), report, Nobody())
print(spent / steps, (time.perf_counter() - began) / (steps - 1))
"""


def measure() -> None:
    """A model so small that steps are shorter than anyone's, which makes the share as large as it gets."""
    spent, step = _in_the_worker()
    print("| where | cost | of |\n|---|---|---|")
    share = spent / step * 100
    each = f"{step * 1e3:.1f} ms a step: **{share:.2f} %**"
    print(f"| worker, inside `report` | {spent * 1e6:.0f} µs a step | {each} |")
    for watched in (False, True):
        cpu = _engine_cpu(watched)
        who = "an app watching" if watched else "nobody watching"
        print(f"| engine, 10 steps a second, {who} | {cpu * 100:.2f} % of one core | |")


def _in_the_worker() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(_TINY), str(folder / "model")], check=True, capture_output=True)
        (folder / "rows.txt").write_text("\n".join(f"Row {i} of many, all alike." for i in range(5000)))
        words = [sys.executable, "-c", _WORKER, str(folder / "model"), str(folder / "rows.txt"), name]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    spent, step = map(float, done.stdout.split()[-2:])
    return spent, step


def _engine_cpu(watched: bool) -> float:
    with home() as root, live_run(root, 1000, 10) as run:
        link = Link(root, app=watched)
        link.start()
        if watched:
            link.send(m.Watch(front=link.front, run=run))
        time.sleep(3)
        pid = bus.engine_pid(root)
        assert pid is not None
        engine = psutil.Process(pid)
        before, began = sum(engine.cpu_times()[:2]), time.monotonic()
        while time.monotonic() - began < 15:
            link.receive()
            time.sleep(0.1)
        used = sum(engine.cpu_times()[:2]) - before
        link.close()
        return used / (time.monotonic() - began)
