"""What happened in a run, one line each, as its log shows it."""

from __future__ import annotations

from engine import events as ev
from engine.remarks import Followed, Tried


def log_line(event: ev.AnyEvent) -> ev.Log | None:
    """`event` as a line for people, None for the many that are shown elsewhere."""
    if isinstance(event, ev.Log):
        return event
    text = _text(event)
    return None if text is None else ev.Log(t=event.t, text=text, level=_level(event))


def _text(event: ev.AnyEvent) -> str | None:
    match event:
        case ev.Started():
            if event.device == ev.HUB:
                return f"worker {event.pid} fetches the model"
            return f"worker {event.pid} on {event.device}{', it was waiting' if event.spare else ''}"
        case ev.Fetched():
            return f"{event.model} at commit {event.revision[:12]}, {event.bytes / 2**20:,.1f} MiB"
        case ev.Planned():
            return f"{event.rows:,} rows, {event.steps:,} steps, {event.trainable:,} parameters train"
        case ev.Evaluated():
            loss = "not finite" if event.loss is None else f"{event.loss:.4g}"
            return f"step {event.step:,}: eval {loss}{', the best' if event.best else ''}"
        case ev.Saved():
            return f"step {event.step:,}: checkpoint, {event.bytes / 2**20:.1f} MiB"
        case ev.Pruned():
            return f"its checkpoints were removed, {event.bytes / 2**20:,.1f} MiB"
        case ev.Resumed():
            return f"resumed from step {event.step:,}"
        case ev.RolledBack():
            return f"step {event.broken:,}: {event.reason}; back to step {event.step:,} and on {event.action}"
        case ev.Steered():
            return f"step {event.step:,}: learning_rate {event.before:.3g} to {event.rate:.3g}"
        case ev.Found():
            return event.finding.title
        case _:
            return _moved(event)


def _moved(event: ev.AnyEvent) -> str | None:
    match event:
        case ev.Paused():
            return f"step {event.step:,}: paused{f', {event.reason}' if event.reason else ''}"
        case ev.Continued():
            return f"step {event.step:,}: goes on after {event.seconds:,.0f} s"
        case ev.Stopping():
            return f"step {event.step:,}: a stop was asked for"
        case Tried():
            return f"begun to mend run {event.run}: {event.patch.label}"
        case Followed():
            return f"run {event.run} goes on: {event.text}" if event.run else event.text
        case ev.Finished():
            return event.outcome
        case ev.Failed():
            return event.what
        case _:
            return None


def _level(event: ev.AnyEvent) -> ev.Level:
    match event:
        case ev.Failed():
            return "info" if event.interrupted else "error"
        case ev.Found() if event.finding.severity == "blocker":
            return "error"
        case ev.Found() if event.finding.severity == "warning":
            return "warning"
        case ev.RolledBack() | Tried():
            return "warning"
        case ev.Paused() if event.reason:
            return "warning"
        case _:
            return "info"
