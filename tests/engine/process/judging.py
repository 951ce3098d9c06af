"""What must be true of a home after something was killed and resumed; each function returns what is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from engine import events as ev
from engine.event_log import EventReader
from engine.run_dir import RunDir, live_runs
from engine.run_state import RunState, fold
from engine.store import Store, tables
from engine.store.store import FILE

_OWN = {"t", "seconds", "path", "bytes"}
"""Fields in which two runs of the same work differ."""


def adapter(run: RunDir, unbroken: RunDir) -> list[str]:
    """The adapter is that of the run that was never killed, bit for bit."""
    try:
        names = sorted(file.name for file in run.adapter.iterdir())
        wanted = sorted(file.name for file in unbroken.adapter.iterdir())
        same = names == wanted and all(
            (run.adapter / name).read_bytes() == (unbroken.adapter / name).read_bytes() for name in names
        )
    except OSError as error:
        return [f"adapter: {error}"]
    return [] if same else ["the adapter is not that of the unbroken run"]


def events(run: RunDir, unbroken: RunDir, at_the_kill: bytes) -> list[str]:
    """No event is lost but of the work since the last checkpoint; the curves are the unbroken run's."""
    raw = run.events.read_bytes()
    told = [ev.decode(line) for line in raw.splitlines()]
    wrong = []
    if not raw.endswith(b"\n") or None in told:
        wrong.append("events.jsonl holds a torn or foreign line")
    if not raw.startswith(at_the_kill):
        wrong.append("lines that had been written before the kill are gone or changed")
    if list(_counting(told)) != list(_counting(_told(unbroken))):
        wrong.append("the steps and evaluations that count are not those of the unbroken run")
    if _curves(run) != _curves(unbroken):
        wrong.append("the curves are not those of the unbroken run")
    wrong += _more_than_needed(told)
    words = [event for event in told if isinstance(event, ev.Finished)]
    if len(words) != 1 or told[-1] is not words[0]:
        wrong.append("the last event is not the one Finished")
    return wrong


def store(root: Path) -> list[str]:
    """The index, as the engine left it, is what a rebuild from the run directories gives."""
    found = _indexed(root, catch_up=False)
    (root / FILE).rename(root / "set-aside.sqlite")
    rebuilt = _indexed(root, catch_up=True)
    return [
        f"the index differs from its rebuild: {line}"
        for name in found
        for line in _differences(name, found[name], rebuilt[name])
    ]


def leftovers(root: Path) -> list[str]:
    """Nothing half-written lies about, no run is taken for live, no process is left behind."""
    wrong = [f"{path.relative_to(root)} is left" for path in root.rglob(".*") if path.suffix != ".lock"]
    wrong += [f"run {run} is marked live" for run in live_runs(root)]
    return wrong + [f"process {process.pid} is left" for process in processes(root)]


def processes(root: Path) -> Iterator[psutil.Process]:
    """The living processes of a home, but this one."""
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("OPENLORA_HOME") == str(root)
            if mine and process.pid != psutil.Process().pid and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def _told(run: RunDir) -> list[ev.AnyEvent | None]:
    return [ev.decode(line) for line in EventReader(run.events)]


def _counting(told: list[ev.AnyEvent | None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Steps and evaluations without those that a resume took back."""
    kept: list[ev.Step | ev.Evaluated] = []
    for event in told:
        if isinstance(event, ev.Resumed):
            kept = [earlier for earlier in kept if earlier.step <= event.step] if event.step else []
        elif isinstance(event, ev.Step | ev.Evaluated):
            kept.append(event)
    for event in kept:
        figures = msgspec.structs.asdict(event)
        yield type(event).__name__, {name: figures[name] for name in figures.keys() - _OWN}


def _more_than_needed(told: list[ev.AnyEvent | None]) -> Iterator[str]:
    """A resume goes on from the last checkpoint that was told of, or a later one."""
    saved = 0
    for event in told:
        if isinstance(event, ev.Saved):
            saved = event.step
        if isinstance(event, ev.Resumed):
            if event.step < saved:
                yield f"resumed from step {event.step} though step {saved} was saved"
            saved = event.step


def _curves(run: RunDir) -> list[Any]:
    state: RunState = fold(EventReader(run.events))
    series = (state.loss, state.eval_loss, state.lr, state.grad_norm)
    return [curve.points() for curve in series] + [state.step, state.mean_loss, state.best_eval, state.status]


def _differences(where: str, one: Any, other: Any) -> Iterator[str]:
    """The places in which two plain values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from _differences(f"{where}.{name}", one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{where}[{number}]", left, right)
    elif one != other:
        yield f"{where} is {one!s:.200} instead of {other!s:.200}"


def _indexed(root: Path, *, catch_up: bool) -> dict[str, list[Any]]:
    index = Store(root)
    try:
        if catch_up:
            for run in index.stale():
                index.index(run)
        for run in index.lessons.unlearned():
            index.learn(run)  # an engine does so in its spare time
        kinds = (tables.Run, tables.State, tables.Finding, tables.Artifact, tables.Lineage, tables.Lesson)
        found = {kind.__name__: [_plain(row) for row in kind.select().dicts()] for kind in kinds}
        return {"notes": index.notes} | found
    finally:
        index.close()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its own number, and MessagePack unpacked so that a difference can be read."""
    return {
        name: msgspec.msgpack.decode(value) if name in ("row", "state") else value
        for name, value in row.items()
        if name != "id"
    }
