"""A run as its events tell it: a pure, bounded fold that every screen and command reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from engine import events as ev
from engine.findings import Finding
from engine.log_lines import log_line
from engine.remarks import Dismissed, Followed, Labelled, Remark, Remarks, Said, Tried
from engine.series import Series

Status = Literal[
    "queued",
    "starting",
    "running",
    "paused",
    "stopping",
    "succeeded",
    "stopped",
    "interrupted",
    "failed",
]
ENDED: Final[frozenset[str]] = frozenset({"succeeded", "stopped", "interrupted", "failed"})

_MARKS: Final = 256
_SAMPLES: Final = 24
_LINES: Final = 200
_FINDINGS: Final = 64
_TAIL: Final = 10
_FIGURES: Final = 16
_PHASES: Final = 24
_ANCESTORS: Final = 64
_LEAP: Final = 60.0
_STAY: Final = ("back", "rate", "said")
"""Marks of what still counts when the steps around it are done again."""


class Mark(msgspec.Struct, frozen=True):
    """Something that happened at a step, for the chart."""

    step: int
    kind: Literal["evaluated", "saved", "resumed", "paused", "finding", "stopped", "back", "rate", "said"]
    text: str


class RunState(msgspec.Struct, kw_only=True):
    """All that a front end shows of a run, in bounded space whatever its length."""

    run: str = ""
    name: str = ""
    model: str = ""
    revision: str = ""
    """The commit of a model that came from the hub."""
    base: str = ""
    """The folder that it lies in."""
    data: list[str] = []
    parent: str | None = None
    lineage: list[str] = []
    """The runs it comes from, the parent first."""
    created: float = 0.0
    updated: float = 0.0
    events: int = 0
    """Lines folded so far, unknown ones included: the number that a follower asks to go on from."""
    offset: int = 0
    """Bytes of `events.jsonl` behind those lines; kept by whoever reads the file."""

    status: Status = "queued"
    reason: str = ""
    """Why it waits, or what the phase is doing."""
    place: float = 0.0
    """Its place in the queue while it waits: lower ones start first."""
    held: bool = False
    """True where it waits until someone releases it."""
    pinned: str = ""
    """The devices that it is to have, whatever its recipe says; empty where the recipe decides."""
    phase: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""
    rate: float = 0.0
    """Units a second in the present phase; 0 where it is not measured."""
    pid: int = 0
    host: str = ""
    device: str = ""
    heard: float = 0.0
    """Time of the last event by the worker."""

    plan: ev.Planned | None = None
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    tokens: int = 0
    session_start: float = 0.0
    """When the first step of this worker ended; with `session_step` it gives the rate."""
    session_step: int = 0
    session_away: float = 0.0
    """Seconds since then in pauses, and those that no clock but the wall's has seen pass."""
    told: float = 0.0
    """Time of the last event, which lies before `updated` where the clock was set back."""
    paused: float = 0.0
    """When the present pause began; 0 while there is none."""
    step_seconds: float = 0.0
    """Exponential mean of a step's seconds."""

    loss: Series = msgspec.field(default_factory=Series)
    eval_loss: Series = msgspec.field(default_factory=Series)
    peak_rate: float = 0.0
    """The peak learning rate as it is now; 0 in runs of older versions."""
    lr: Series = msgspec.field(default_factory=Series)
    grad_norm: Series = msgspec.field(default_factory=Series)
    speed: Series = msgspec.field(default_factory=Series)
    """Non-padding tokens a second."""
    memory: Series = msgspec.field(default_factory=Series)
    """Bytes (device, else resident) over seconds since the run was created."""
    figures: dict[str, Series] = {}
    """What the objective tells beside the loss, by name."""
    eval_figures: dict[str, Series] = {}
    """The same on the held-out rows."""
    predicted: ev.Predicted | None = None
    """What it was expected to take in memory."""
    measured: list[ev.Measured] = []
    """The most that each phase of the present worker has taken."""
    last_losses: list[float] = []
    best_eval: float | None = None
    best_eval_step: int = 0

    marks: list[Mark] = []
    samples: list[ev.Sampled] = []
    findings: list[Finding] = []
    log: list[ev.Log] = []
    """What happened, a line each; steps and samples are shown elsewhere."""
    checkpoint: ev.Saved | None = None
    heartbeat: ev.Heartbeat | None = None
    injected: list[str] = []
    """Faults that were asked for and have struck the present worker."""
    outcome: ev.Finished | ev.Failed | None = None
    remarks: Remarks = msgspec.field(default_factory=Remarks)
    """What people and the advisor said of it."""

    @property
    def ended(self) -> bool:
        """True once nothing more will happen unless someone resumes it."""
        return self.status in ENDED

    @property
    def mean_loss(self) -> float | None:
        """Mean of the last 10 steps' losses, the figure a run is remembered by."""
        return math.fsum(self.last_losses) / len(self.last_losses) if self.last_losses else None

    @property
    def memory_peak(self) -> int:
        """Bytes that it took at most, 0 while nothing is measured."""
        return max((m.reserved or m.bytes for m in self.measured), default=0)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the last step at this session's rate, evaluation and saving included."""
        past = self.step - self.session_step
        if self.ended or self.steps <= 0 or past < 2 or self.session_start == 0.0:
            return None
        spent = (self.paused or self.told) - self.session_start - self.session_away
        return max(spent, 0.0) / past * max(self.steps - self.step, 0)


def fold(lines: Iterable[bytes], state: RunState | None = None) -> RunState:
    """The state after `lines` of an `events.jsonl`; unknown and torn lines count but change nothing."""
    state = RunState() if state is None else state
    for line in lines:
        event = ev.decode(line)
        state.events += 1
        if event is not None:
            apply(state, event)
    return state


def apply(state: RunState, event: ev.AnyEvent) -> None:
    """Take one event into `state`, which depends on nothing else."""
    _tell_time(state, event.t)
    _noted(state, event)
    match event:
        case ev.Step():
            _step(state, event)
        case ev.Heartbeat():
            _heartbeat(state, event)
        case ev.Evaluated():
            _evaluated(state, event)
        case ev.Finished() | ev.Failed():
            _ended(state, event)
        case ev.Created():
            _created(state, event)
        case ev.Planned():
            state.plan, state.steps, state.device = event, event.steps, event.device
            state.peak_rate = event.learning_rate
        case ev.Resumed():
            # Whoever begins again, without a checkpoint, measures step 0 again.
            _cut(state, event.step if event.step or event.path else -1)
            _mark(state, Mark(event.step, "resumed", "resumed"))
        case ev.RolledBack():
            _cut(state, event.step)
            state.peak_rate = event.rate
            _mark(state, Mark(event.broken, "back", f"{event.reason}: back to step {event.step:,}"))
        case ev.Steered():
            state.peak_rate = event.rate
            _mark(state, Mark(event.step, "rate", f"learning_rate {event.before:.3g} to {event.rate:.3g}"))
        case ev.Saved():
            _saved(state, event)
        case ev.Pruned():
            state.checkpoint = None
        case ev.Sampled():
            state.samples = [*state.samples, event][-_SAMPLES:]
        case ev.Found():
            _found(state, event.finding)
        case ev.Predicted():
            state.predicted = event
        case ev.Measured():
            known = [m for m in state.measured if m.phase != event.phase]
            state.measured = [*known, event][-_PHASES:]
        case Dismissed() | Labelled() | Tried() | Said() | Followed():
            _remarked(state, event)
        case _:
            _moved(state, event)


def _noted(state: RunState, event: ev.AnyEvent) -> None:
    line = log_line(event)
    if line is not None:
        state.log = [*state.log, line][-_LINES:]


def _tell_time(state: RunState, t: float) -> None:
    """Count no leap as work: a worker is heard every two seconds, so a clock was set or the machine slept."""
    gap = t - state.told
    if not 0 <= gap <= _LEAP and not state.paused:
        state.session_away += gap
    state.told, state.updated = t, max(state.updated, t)


def _created(state: RunState, event: ev.Created) -> None:
    state.run, state.name, state.model = event.run, event.name, event.model
    state.data, state.steps = event.data, event.steps
    state.parent, state.lineage = event.parent, event.lineage[:_ANCESTORS]
    state.created = event.t


def _moved(state: RunState, event: ev.AnyEvent) -> None:
    """Events that only change where the run stands."""
    match event:
        case ev.Queued():
            state.status, state.reason, state.phase, state.outcome = "queued", event.reason, "", None
            state.place, state.held = event.place or state.place or event.t, event.held
            state.pinned = state.pinned if event.pinned is None else event.pinned
        case ev.Started():
            state.status, state.phase, state.reason, state.outcome = "starting", "", "", None
            state.pid, state.host, state.device = event.pid, event.host, event.device
            state.session_start = state.paused = 0.0
            state.injected, state.measured, state.heartbeat = [], [], None
            if event.device != ev.HUB:  # whoever fetches its model comes back to its place in the queue
                state.place = 0.0
        case ev.Phase():
            if state.status not in ("paused", "stopping"):
                state.status = "running"
            state.phase, state.reason = event.name, event.detail
            state.done, state.total, state.rate = 0, 0, 0.0
        case ev.Progress():
            state.done, state.total, state.unit = event.done, event.total, event.unit
            state.rate = event.rate
        case ev.Fetched():
            state.revision, state.base = event.revision, event.path
        case ev.Paused():
            state.status, state.paused, state.reason = "paused", event.t, event.reason
            _mark(state, Mark(event.step, "paused", "paused"))
        case ev.Continued():
            state.session_away += event.t - state.paused if state.paused else event.seconds
            state.status, state.paused, state.reason = "running", 0.0, ""
        case ev.Stopping():
            state.status, state.reason = "stopping", event.by
            _mark(state, Mark(event.step, "stopped", "a stop was asked for"))
        case ev.Injected():
            state.injected = [*state.injected, event.fault][-_FINDINGS:]
            _mark(state, Mark(event.step, "finding", f"injected: {event.fault}"))
    state.heard = event.t


def _step(state: RunState, event: ev.Step) -> None:
    if state.session_start == 0.0:
        state.session_start, state.session_step, state.session_away = event.t, event.step, 0.0
    state.heard = event.t
    state.step, state.epoch = event.step, event.epoch
    state.steps = max(state.steps, event.step)
    state.tokens += event.tokens
    state.lr.add(event.step, event.lr)
    if event.loss is not None:
        state.loss.add(event.step, event.loss)
        state.last_losses = [*state.last_losses, event.loss][-_TAIL:]
    if event.grad_norm is not None:
        state.grad_norm.add(event.step, event.grad_norm)
    _told(state.figures, event.step, event.figures)
    if event.seconds > 0:
        rate = event.tokens / event.seconds
        if math.isfinite(rate):  # a step of 1e-320 seconds tells nothing
            state.speed.add(event.step, rate)
        mean = state.step_seconds or event.seconds
        state.step_seconds = mean + 0.1 * (event.seconds - mean)


def _heartbeat(state: RunState, event: ev.Heartbeat) -> None:
    state.heartbeat = event
    state.heard = event.t
    at = int(event.t - state.created)
    if at >= 0:
        state.memory.add(at, float(event.device_bytes or event.rss))


def _evaluated(state: RunState, event: ev.Evaluated) -> None:
    state.heard = event.t
    if event.loss is None:
        return
    state.eval_loss.add(event.step, event.loss)
    _told(state.eval_figures, event.step, event.figures)
    if state.best_eval is None or event.loss < state.best_eval:
        state.best_eval, state.best_eval_step = event.loss, event.step
    _mark(state, Mark(event.step, "evaluated", f"eval {event.loss:.4g}"))


def _saved(state: RunState, event: ev.Saved) -> None:
    state.checkpoint = event
    state.heard = event.t
    for series in _by_step(state):
        series.hold(event.step)
    _mark(state, Mark(event.step, "saved", "checkpoint"))


def _cut(state: RunState, last: int) -> None:
    """Work goes on behind step `last`: what came after it no longer counts."""
    for series in _by_step(state):
        series.cut(last)
    state.marks = [mark for mark in state.marks if mark.step <= last or mark.kind in _STAY]
    state.samples = [sample for sample in state.samples if sample.step <= last]
    state.findings = [f for f in state.findings if f.step is None or f.step <= last]
    state.last_losses = [value for _, _, _, value in state.loss.points()[-_TAIL:]]
    state.step = max(last, 0)
    state.session_start = 0.0
    state.outcome = None
    if state.ended:
        state.status = "queued"
    if state.checkpoint is not None and state.checkpoint.step > last:
        state.checkpoint = None
    if state.best_eval_step > last:
        points = state.eval_loss.points()
        best = min(points, key=lambda p: p[1], default=None)
        state.best_eval = best[1] if best else None
        state.best_eval_step = best[0] if best else 0


def _found(state: RunState, finding: Finding) -> None:
    known = [f for f in state.findings if (f.category, f.title) != (finding.category, finding.title)]
    state.findings = [*known, finding][-_FINDINGS:]
    if finding.step is not None:
        _mark(state, Mark(finding.step, "finding", finding.title))


def _ended(state: RunState, event: ev.Finished | ev.Failed) -> None:
    state.outcome = event
    state.phase = ""
    state.findings = list(event.findings)[-_FINDINGS:] or state.findings
    if isinstance(event, ev.Finished):
        state.status, state.reason = event.outcome, ""
        return
    state.status = "interrupted" if event.interrupted else "failed"
    state.reason = event.what


def _remarked(state: RunState, remark: Remark | Followed) -> None:
    state.remarks.take(remark)
    if isinstance(remark, Labelled) and remark.name is not None:
        state.name = remark.name
    if isinstance(remark, Said) and remark.step is not None:
        _mark(state, Mark(remark.step, "said", remark.text))


def _mark(state: RunState, mark: Mark) -> None:
    state.marks = [*state.marks, mark][-_MARKS:]


def _by_step(state: RunState) -> tuple[Series, ...]:
    figures = (*state.figures.values(), *state.eval_figures.values())
    return state.loss, state.eval_loss, state.lr, state.grad_norm, state.speed, *figures


def _told(kept: dict[str, Series], step: int, figures: dict[str, float]) -> None:
    for name, figure in figures.items():
        if name in kept or len(kept) < _FIGURES:
            kept.setdefault(name, Series()).add(step, figure)
