"""Tells a person on stderr, or a program on stdout, what a run does."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from engine import events as ev
from engine.findings import Finding
from engine.remarks import Followed, Tried
from engine.run_state import RunState
from engine.text import clean, one_line
from openlora_tui.cli.document import print_line
from openlora_tui.figures import duration, fetched, percent

_EVERY: Final = 2.0
_TOLD_OTHERWISE: Final = frozenset({"training", "evaluating", "sampling", "saving"})
"""Phases that announce themselves by what they report."""


class Printer:
    """Prints a run's events: raw JSON lines on stdout with `as_json`, else words on stderr."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None) -> None:
        self._as_json = as_json
        self._out = out or sys.stderr
        self._next_step = 0.0
        self._held: str | None = None

    def __call__(self, state: RunState, lines: list[bytes]) -> None:
        """Print what `lines` say; `state` is already the state after them."""
        for line in lines:
            if self._as_json:
                print_line(line)
            elif (event := ev.decode(line)) is not None:
                self._say(state, event)
        if self._as_json and lines:
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line for people, whatever stdout is used for."""
        print(text, file=self._out, flush=True)

    def _say(self, state: RunState, event: ev.AnyEvent) -> None:
        if isinstance(event, ev.Step):
            self._step(state, event)
            return
        if isinstance(event, ev.Progress) and event.unit == "bytes":
            self._fetched(event)
            return
        told = _WORDS.get(type(event))
        text = told(event) if told else ""
        if text:
            self._flush()
            self.say(text)

    def _step(self, state: RunState, event: ev.Step) -> None:
        now = time.monotonic()
        self._held = step_line(state, event)
        if now >= self._next_step or event.step >= state.steps:
            self._next_step = now + _EVERY
            self._flush()

    def _fetched(self, event: ev.Progress) -> None:
        now = time.monotonic()
        if now >= self._next_step or event.done == event.total:
            self._next_step = now + _EVERY
            done = percent(event.done / max(event.total, 1))
            self.say(f"fetching  {done:>5}   {fetched(event.done, event.total, event.rate)}")

    def _flush(self) -> None:
        if self._held is not None:
            self.say(self._held)
            self._held = None


def step_line(state: RunState, event: ev.Step) -> str:
    """One optimizer step on one line."""
    left = state.seconds_left
    parts = [
        f"step {event.step:>6,}/{state.steps:,}",
        f"loss {number(event.loss)}",
        f"rate {event.lr:.2e}",
        f"grad {number(event.grad_norm)}",
        _figures(event.figures),
        f"{event.tokens / event.seconds:,.0f} tok/s" if event.seconds > 0 else "",
        f"left {duration(left)}" if left is not None else "",
    ]
    return "  ".join(part for part in parts if part)


def number(value: float | None) -> str:
    """A loss or a norm in four digits; a number that is not finite is called so."""
    return "not finite" if value is None else f"{value:.4g}"


def _planned(event: ev.Planned) -> str:
    return (
        f"{event.rows:,} rows, {event.tokens:,} tokens ({event.label_tokens:,} trained on), "
        f"{event.eval_rows:,} rows held out; {event.trainable:,} of {event.parameters:,} parameters train; "
        f"{event.steps:,} steps of {event.batch_rows} rows on {event.device} {event.computed}"
    )


def _evaluated(event: ev.Evaluated) -> str:
    if event.loss is None:
        return f"eval at step {event.step:,}: the loss is not finite"
    more = _figures(event.figures) or f"perplexity {math.exp(min(event.loss, 700)):.4g}"
    return f"eval at step {event.step:,}: loss {event.loss:.4g}, {more}{'  (best)' if event.best else ''}"


def _figures(found: Mapping[str, float]) -> str:
    """The two figures by which preferences are judged, where a run has them."""
    told = [f"{name} {found[name]:.3g}" for name in ("accuracy", "margin") if name in found]
    return "  ".join(told)


def _sampled(event: ev.Sampled) -> str:
    return f"sample at step {event.step:,}: {one_line(event.prompt, 60)} → {one_line(event.text, 160)}"


def _finished(event: ev.Finished) -> str:
    words = "finished" if event.outcome == "succeeded" else "stopped and saved"
    adapter = f"\nadapter {clean(event.adapter)}" if event.adapter else ""
    return f"{words} after {event.steps:,} steps, loss {number(event.loss)}{adapter}"


def _failed(event: ev.Failed) -> str:
    head = "interrupted" if event.interrupted else "failed"
    where = f"  where: {clean(event.where)}" if event.where else ""
    why = f"  why: {clean(event.why)}" if event.why else ""
    do = f"  do: {clean(event.do)}" if event.do else ""
    console = ["  its last words:", *(f"    {one_line(line, 160)}" for line in event.console[-8:])]
    log = f"  all of it: {event.log}" if event.log else ""
    lines = [f"{head}: {clean(event.what)}", where, why, do, *(console if event.console else []), log]
    return "\n".join(line for line in lines if line)


def finding_line(finding: Finding) -> str:
    """A finding on one or two lines."""
    more = finding.remedy or (finding.cause if finding.severity == "note" else "")
    below = f"\n  {clean(more)}" if more else ""
    return f"{finding.severity}: {one_line(finding.title, 160)}{below}"


_WORDS: Final[dict[type[ev.Event], Callable[..., str]]] = {
    ev.Created: lambda e: f"run {e.run}: {one_line(e.name, 80)}",
    ev.Queued: lambda e: f"queued: {one_line(e.reason, 120)}",
    ev.Started: lambda e: (
        f"worker {e.pid} fetches the model"
        if e.device == ev.HUB
        else f"worker {e.pid} started on {e.device}{' (it was waiting)' if e.spare else ''}"
    ),
    ev.Phase: lambda e: "" if e.name in _TOLD_OTHERWISE else one_line(f"{e.name} {e.detail}", 140),
    ev.Fetched: lambda e: f"{one_line(e.model)} at commit {e.revision[:12]}: {clean(e.path)}",
    ev.Planned: _planned,
    ev.Evaluated: _evaluated,
    ev.Sampled: _sampled,
    ev.Saved: lambda e: f"checkpoint at step {e.step:,} ({e.bytes / 2**20:.1f} MiB, {e.seconds:.1f} s)",
    ev.Resumed: lambda e: f"resumed from step {e.step:,}",
    ev.Paused: lambda e: f"paused at step {e.step:,}{f': {clean(e.reason)}' if e.reason else ''}",
    ev.Continued: lambda e: f"goes on after {duration(e.seconds)}",
    ev.Stopping: lambda e: f"stopping at step {e.step:,}",
    # A blocker is told by the failure that it causes.
    ev.Found: lambda e: "" if e.finding.severity == "blocker" else finding_line(e.finding),
    ev.Log: lambda e: clean(e.text),
    Tried: lambda e: f"begun to mend run {e.run}: {one_line(e.patch.label, 140)}",
    Followed: lambda e: f"run {e.run} goes on: {clean(e.text)}" if e.run else f"no repair: {clean(e.text)}",
    ev.Finished: _finished,
    ev.Failed: _failed,
}
