"""Runs that have ended, made of their events alone."""

from __future__ import annotations

from pathlib import Path

from engine import events as ev
from engine.event_log import append
from engine.findings import Finding
from engine.lessons.prints import Prints
from engine.messages import JobContext
from engine.run_dir import RunDir
from tests.engine import strategies as some

PRINTS = Prints(
    family="llama",
    layers=2,
    hidden=64,
    vocabulary=512,
    rows="r",
    held="h",
    mask="m",
    tokenizer="t",
    template="c",
)
SPIKE = Finding(category="loss_spike_divergence", severity="blocker", title="The loss left at step 8", step=8)


def made(
    home: Path,
    name: str,
    *,
    rate: float = 1e-4,
    losses: tuple[float, ...] = (2.0, 1.6, 1.3, 1.2, 1.15, 1.1),
    prints: Prints = PRINTS,
    failed: bool = False,
    model: str = "/models/tiny",
    extra: str = "",
    t: float = 1e9,
) -> str:
    """A run of eight steps, evaluated along the way; returns its id."""
    recipe = f"model: {model}\ndata: /data/rows.jsonl\nlearning_rate: {rate}\nmax_steps: 8\n{extra}"
    run = RunDir.create(home, recipe, JobContext(python="", cwd="/", umask=0))
    at = t + 100 * int(run.run)
    planned = ev.Planned(
        steps=8, epochs=1.0, rows=90, eval_rows=10, tokens=900, label_tokens=450, trainable=10,
        parameters=1010, batch_rows=10, prints=prints, form="chat", t=at,
    )  # fmt: skip
    evaluated = [
        ev.Evaluated(step=step, loss=loss, label_tokens=9, seconds=0.1, t=at + 10)
        for step, loss in enumerate(losses)
    ]
    end: ev.Event = ev.Finished(
        run=run.run, outcome="succeeded", steps=8, loss=losses[-1], adapter=None, t=at + 60
    )
    if failed:
        end = ev.Failed(run=run.run, steps=8, what="The loss left.", findings=[SPIKE], t=at + 60)
    append(
        run.events,
        [
            ev.Created(run=run.run, name=name, model=model, data=["/data/rows.jsonl"], steps=8, t=at),
            planned,
            *(some.step(n, loss=3.0 - n / 4, t=at + n) for n in range(1, 9)),
            *evaluated,
            end,
        ],
    )
    return run.run
