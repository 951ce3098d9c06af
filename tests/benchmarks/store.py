"""What it costs to open a run and to list runs, as they grow."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

import msgspec

from engine import events as ev
from engine.client.context import job_context
from engine.event_log import EventWriter
from engine.run_dir import RunDir
from engine.store import Store
from tests.benchmarks.scene import _step, home

TITLE: Final = "Opening a run (bar: a million steps cost what a hundred do)"
_STEPS: Final = (100, 10_000, 1_000_000)


def measure() -> None:
    """Open from the index, beside a rebuild from the events."""
    print(
        "| steps | events.jsonl | open from the index | rebuild from events | state |\n|---|---|---|---|---|"
    )
    with home() as root:
        for steps in _STEPS:
            _measure_one(root, steps)


def _measure_one(root: Path, steps: int) -> None:
    run = RunDir.create(root, "model: tiny\ndata: rows.txt\n", job_context())
    writer = EventWriter(run.events)
    writer.write(ev.Created(run=run.run, name="long", model="tiny", data=["rows.txt"]))
    for step in range(1, steps + 1):
        writer.write(_step(step))
    writer.close()
    store = Store(root)
    began = time.perf_counter()
    state = store.index(run.run)
    rebuilt = time.perf_counter() - began
    opened = []
    for _ in range(5):
        began = time.perf_counter()
        store.index(run.run)
        opened.append(time.perf_counter() - began)
    size = len(msgspec.msgpack.encode(state))
    store.close()
    megabytes = run.events.stat().st_size / 1e6
    print(
        f"| {steps:,} | {megabytes:,.1f} MB | {min(opened) * 1000:.1f} ms | {rebuilt * 1000:,.0f} ms "
        f"| {size / 1000:,.0f} kB |",
        flush=True,
    )
    shutil.rmtree(run.path)
