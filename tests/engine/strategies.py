"""Events of every kind, drawn at random, and whole runs as a worker would tell them."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from engine import events as ev
from engine.findings import Finding, Patch
from engine.lessons.prints import Prints

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNT = st.integers(0, 1 << 53) | st.integers(0, 5000)
STEP = st.integers(0, 5000) | COUNT
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
TIME = st.floats(0, 1e11)

PATCH = st.builds(Patch, label=TEXT, recipe=st.dictionaries(TEXT, st.none() | TEXT, max_size=2))
FINDING = st.builds(
    Finding,
    title=TEXT,
    confidence=st.floats(0, 1),
    evidence=st.lists(TEXT, max_size=2),
    cause=TEXT,
    remedy=TEXT,
    step=st.none() | STEP,
    patch=st.none() | PATCH,
)

_FIELDS: dict[str, st.SearchStrategy[object]] = {
    "t": TIME, "step": STEP, "steps": STEP, "findings": st.lists(FINDING, max_size=2), "finding": FINDING,
    "loss": st.none() | st.floats(-1e300, 1e300), "grad_norm": st.none() | NUMBER, "lr": NUMBER,
    "rate": NUMBER, "before": NUMBER, "learning_rate": NUMBER,
    "epoch": NUMBER, "epochs": NUMBER, "seconds": NUMBER,
    "quiet": NUMBER, "cpu": NUMBER, "run": TEXT, "name": TEXT, "model": TEXT,
    "data": st.lists(TEXT, max_size=2), "lineage": st.lists(TEXT, max_size=2),
    "targets": st.lists(TEXT, max_size=2), "console": st.lists(TEXT, max_size=2),
    "versions": st.dictionaries(TEXT, TEXT, max_size=2), "exit_code": st.none() | st.integers(0, 255),
    "kills": st.tuples(st.none() | COUNT, st.none() | COUNT),
    "parts": st.dictionaries(TEXT, COUNT, max_size=2),
    "tags": st.none() | st.lists(TEXT, max_size=2), "cites": st.lists(TEXT, max_size=2), "patch": PATCH,
    "attempt": COUNT,
    "version": st.integers(0, 9), "place": st.none() | TIME,
    "figures": st.dictionaries(TEXT, st.floats(-1e300, 1e300), max_size=2),
}  # fmt: skip
_TEXTS = {"reason", "host", "device", "detail", "unit", "precision", "prompt", "text", "path", "by", "what",
          "base", "attention", "optimizer",
          "revision", "why", "do", "where", "log", "fault", "action",
          "objective", "phase", "found", "title"}  # fmt: skip
_MAYBE = {"parent", "adapter", "signal", "pinned", "note"}
_FLAGS = {"spare", "best", "save", "resumable", "interrupted", "held", "undone", "forgotten"}


def _field(name: str) -> st.SearchStrategy[object] | None:
    if name in _FIELDS:
        return _FIELDS[name]
    if name in _TEXTS:
        return TEXT
    if name in _MAYBE:
        return st.none() | TEXT
    return st.booleans() if name in _FLAGS else None


def event(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    """Any event of one kind."""
    fields = {name: found for name in kind.__struct_fields__ if (found := _field(name)) is not None}
    rest = {name: COUNT for name in kind.__struct_fields__ if name not in fields and name not in _CHOSEN}
    chosen = {name: _CHOSEN[name] for name in kind.__struct_fields__ if name in _CHOSEN}
    return st.builds(kind, **fields, **rest, **chosen)


_CHOSEN = {
    "outcome": st.sampled_from(["succeeded", "stopped"]),
    "level": st.sampled_from(["info", "warning", "error"]),
    "form": st.sampled_from([None, "chat", "verbatim"]),
    "category": st.sampled_from(["oom", "truncation"]),
    "scope": st.sampled_from(["run", "dataset", "model", "always"]),
    "prints": st.builds(Prints, rows=TEXT, held=TEXT, layers=COUNT),
}
KINDS: tuple[type[ev.Event], ...] = ev.AnyEvent.__args__
EVENT = st.sampled_from(KINDS).flatmap(event)
HISTORY = st.lists(EVENT, max_size=25)


def step(number: int, loss: float = 1.0, t: float = 0.0, **more: object) -> ev.Step:
    """One optimizer step, most of it ordinary."""
    usual: dict[str, object] = {
        "lr": 1e-4, "grad_norm": 0.5, "tokens": 100, "label_tokens": 50, "seconds": 1.0,
        "epoch": number / 100,
    }  # fmt: skip
    return ev.Step(step=number, loss=loss, t=t or 1000.0 + number, **(usual | more))  # type: ignore[arg-type]


def saved(number: int, t: float = 0.0) -> ev.Saved:
    """A checkpoint at a step."""
    return ev.Saved(step=number, path=f"step-{number}", bytes=1, seconds=0.1, t=t or 1000.0 + number)


def lines(*events: ev.Event) -> list[bytes]:
    """Events as the lines of a file, without their newlines."""
    return [ev.encode(event).rstrip(b"\n") for event in events]


def started(run: str = "1") -> Iterator[ev.Event]:
    """The first events of every run."""
    yield ev.Created(run=run, name="tiny", model="models/tiny", data=["a.txt"], steps=100, t=900.0)
    yield ev.Queued(reason="waits for a worker", t=901.0)
    yield ev.Started(pid=4, host="here", device="cpu", t=902.0)
    yield ev.Phase(name="training", t=903.0)
