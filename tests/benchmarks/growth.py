"""What things cost as a run gets more steps, a home more runs, and a data file more rows."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import psutil

from engine import bus
from engine import events as ev
from engine import messages as m
from engine.client.context import job_context
from engine.client.link import Link
from engine.event_log import EventWriter
from engine.run_dir import RunDir
from engine.store import Store
from tests.benchmarks.picture import Curve, Panel, draw
from tests.benchmarks.scene import home, spent, step_of
from tests.terminal import Terminal

_M = TypeVar("_M", bound=m.Message)

TITLE: Final = "Growth (bar: opening a run or the list costs the same at any number of steps and runs)"
_STEPS: Final = (100, 10_000, 1_000_000)
_RUNS: Final = (10, 100, 1_000, 5_000)
_STEPS_EACH: Final = 4_000
_ROWS: Final = (1_000, 10_000, 100_000, 1_000_000)
_OPENLORA: Final = ("-m", "openlora_tui.cli.main")
_PICTURE: Final = Path(__file__).parents[2] / "docs/images/growth.svg"


def measure() -> None:
    """Three tables and a picture of them; needs 5 GB of disk for the 20 million steps of the runs."""
    steps = _against_steps()
    runs = _against_runs()
    rows = _against_rows()
    draw(_PICTURE, [steps, runs, rows])


def _against_steps() -> Panel:
    print("| steps of a run | events.jsonl | open it | index it anew | its state |\n|---|---|---|---|---|")
    opened, rebuilt = Curve("open a run"), Curve("index it anew")
    with home() as root:
        for steps in _STEPS:
            run = _run(root, steps)
            store = Store(root)
            began = time.perf_counter()
            state = store.index(run.run)
            rebuilt.add(steps, time.perf_counter() - began)
            opened.add(steps, min(_seconds(store, run.run) for _ in range(5)))
            store.close()
            size = len(msgspec.msgpack.encode(state))
            print(
                f"| {steps:,} | {run.events.stat().st_size / 1e6:,.1f} MB | {opened.last * 1e3:.1f} ms "
                f"| {rebuilt.last * 1e3:,.0f} ms | {size / 1e3:,.0f} kB |",
                flush=True,
            )
    return Panel("steps of a run", [opened, rebuilt])


def _against_runs() -> Panel:
    print(
        "\n| runs | steps in all | index them all | slowest answer meanwhile | list them | app shows them "
        "| `openlora runs` | engine |\n|---|---|---|---|---|---|---|---|"
    )
    curves = [Curve("app shows the list"), Curve("openlora runs"), Curve("engine lists them")]
    with home() as root:
        first = _run(root, _STEPS_EACH)
        have = 1
        for runs in _RUNS:
            _multiply(first, have, runs)
            have = runs
            indexed, slowest = _indexed(root, runs)
            curves[2].add(runs, _listed(root))
            curves[0].add(runs, _shown(root))
            curves[1].add(runs, _printed())
            pid = bus.engine_pid(root)
            assert pid is not None
            print(
                f"| {runs:,} | {runs * _STEPS_EACH:,} | {indexed:,.1f} s | {slowest * 1e3:,.0f} ms "
                f"| {curves[2].last * 1e3:.1f} ms | {curves[0].last:.2f} s | {curves[1].last:.2f} s "
                f"| {psutil.Process(pid).memory_info().rss / 1e6:,.0f} MB |",
                flush=True,
            )
    return Panel(f"runs of {_STEPS_EACH:,} steps each", curves)


def _against_rows() -> Panel:
    print("\n| rows | file | `openlora inspect` | peak memory |\n|---|---|---|---|")
    curve = Curve("openlora inspect")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.jsonl"
        for rows in _ROWS:
            with path.open("w") as file:
                for row in range(rows):
                    answer = f"The number {row} comes after {row - 1}. " * 4
                    file.write(
                        json.dumps({"prompt": f"What comes after {row - 1}?", "completion": answer}) + "\n"
                    )
            seconds, peak = spent([*_OPENLORA, "inspect", str(path), "--json"])
            curve.add(rows, seconds)
            size = path.stat().st_size / 1e6
            print(f"| {rows:,} | {size:,.1f} MB | {seconds:.2f} s | {peak / 1e6:,.0f} MB |", flush=True)
    return Panel("rows of a data file", [curve])


def _run(root: Path, steps: int) -> RunDir:
    run = RunDir.create(root, "model: tiny\ndata: rows.txt\n", job_context())
    writer = EventWriter(run.events)
    writer.write(ev.Created(run=run.run, name="long", model="tiny", data=["rows.txt"], steps=steps))
    for step in range(1, steps + 1):
        writer.write(step_of(step))
    writer.write(ev.Finished(run=run.run, outcome="succeeded", steps=steps, loss=1.0, adapter=None))
    writer.close()
    return run


def _multiply(first: RunDir, have: int, runs: int) -> None:
    for number in range(have + 1, runs + 1):
        shutil.copytree(first.path, first.path.with_name(str(number)))


def _seconds(store: Store, run: str) -> float:
    began = time.perf_counter()
    store.index(run)
    return time.perf_counter() - began


def _indexed(root: Path, runs: int) -> tuple[float, float]:
    """Seconds until the engine knows all runs, and its slowest answer meanwhile."""
    link = Link(root)
    link.start()
    began, slowest, total = time.monotonic(), 0.0, 0
    _answer(link, m.Welcome)
    while total < runs:
        asked = time.monotonic()
        link.send(m.ListRuns(front=link.front, request=str(asked), limit=1))
        total = _answer(link, m.Runs).total
        slowest = max(slowest, time.monotonic() - asked)
    link.close()
    return time.monotonic() - began, slowest


def _listed(root: Path) -> float:
    store = Store(root)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        store.rows(500)
        took.append(time.perf_counter() - began)
    store.close()
    return min(took)


def _shown(root: Path) -> float:
    def once() -> float:
        with Terminal([sys.executable, "-m", "openlora_tui.start"], 120, 36) as terminal:
            return terminal.until("long", 60)

    return min(once() for _ in range(3))


def _printed() -> float:
    return min(spent([*_OPENLORA, "runs"])[0] for _ in range(3))


def _answer(link: Link, kind: type[_M]) -> _M:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for message in link.receive():
            if isinstance(message, kind):
                return message
        time.sleep(0.002)
    raise TimeoutError(f"no {kind.__name__} came")
