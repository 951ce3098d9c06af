"""Stands in for the engine: the app's tests feed it messages and read what it was asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from engine import __version__
from engine import events as ev
from engine import messages as ms
from engine.findings import Finding, Patch
from engine.problem import Problem
from engine.run_state import RunState, fold

NOW = 1_763_770_000.0
GIB = 1 << 30
RUN = "20251121-2346-tickets"
SPIKE = Finding(
    category="loss_spike_divergence",
    severity="warning",
    title="The loss jumped to 2.06 at step 310 and came back",
    confidence=0.86,
    evidence=["gradient norm 6.9, usually 0.9", "batch 310: rows 3117, 9034 and 11020 are base64"],
    cause="Three rows of the batch are not language.",
    remedy="Drop the three rows and go on from the checkpoint at step 300.",
    patch=Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4}),
    step=310,
)
MACHINE = ms.Machine(
    cpu=0.52,
    cores=16,
    ram_used=int(12.1 * GIB),
    ram_total=64 * GIB,
    disk_free=100 * GIB,
    gpus=[
        ms.Gpu(
            index=0,
            name="NVIDIA GeForce RTX 4090",
            uuid="GPU-0",
            used=int(18.2 * GIB),
            total=24 * GIB,
            utilisation=0.91,
            celsius=64,
            watts=312,
        )
    ],
)


class FakeEngine:
    """An `EngineLink` without an engine."""

    def __init__(self) -> None:
        self.connected = True
        self.trouble = ""
        self.problem: Problem | None = None
        self.front = "front"
        self.sent: list[ms.Message] = []
        self.closed = False
        self.now = NOW
        self.home = "/home/me/openlora"
        self.states: dict[str, RunState] = {}
        self._queue: list[ms.ToFront] = []

    def start(self) -> None:
        self.push(ms.Welcome(pid=1, version=__version__, home=self.home))

    def send(self, message: ms.Message) -> None:
        self.sent.append(message)
        if isinstance(message, ms.Watch) and message.run in self.states:
            self.snapshot(message.run)

    def receive(self) -> list[ms.ToFront]:
        queue, self._queue = self._queue, []
        return queue

    def close(self) -> None:
        self.closed = True

    def push(self, *messages: ms.ToFront) -> None:
        self._queue += messages

    def snapshot(self, run: str) -> None:
        """Sent as bytes and back: the app must never share a state with the engine."""
        message = ms.to_front(ms.encode(ms.Snapshot(run=run, state=self.states[run])))
        assert message is not None
        self.push(message)

    def list(self, rows: Sequence[ms.RunRow]) -> None:
        self.push(ms.Runs(rows=list(rows), whole=True, total=len(rows)))

    def happened(self, run: str, *events: ev.Event) -> None:
        lines = [ev.encode(event) for event in events]
        number = self.states[run].events
        fold(lines, self.states[run])
        self.push(ms.Happened(run=run, number=number, lines=lines))

    def asked(self, kind: type[ms.Message]) -> list[ms.Message]:
        return [message for message in self.sent if isinstance(message, kind)]

    def accept(self, run: str = RUN, note: str = "") -> None:
        """Say yes to the last request."""
        request = next(m for m in reversed(self.sent) if isinstance(m, (ms.Act, ms.Submit)))
        self.push(ms.Accepted(request=request.request, run=run, note=note))

    def refuse(self, **problem: str) -> None:
        request = next(m for m in reversed(self.sent) if isinstance(m, (ms.Act, ms.Submit)))
        self.push(ms.Refused(request=request.request, problem=problem))


def row(name: str, status: str = "running", age: float = 400, **more: object) -> ms.RunRow:
    fields: dict[str, object] = {
        "run": f"run-{name.split()[0]}",
        "name": name,
        "status": status,
        "model": "/models/Qwen2.5-1.5B",
        "data": [f"/data/{name.split()[0]}.jsonl"],
        "created": NOW - age,
        "updated": NOW - age / 2,
        "step": 412,
        "steps": 1200,
        "loss": 1.284,
        "eval_loss": 1.21,
        "device": "cuda:0",
        "phase": "training" if status == "running" else "",
    }
    return msgspec.convert(fields | more, ms.RunRow)


def tickets(status: str = "running", **more: object) -> ms.RunRow:
    return row("support-tickets", status, run=RUN, findings=1, **more)


def rows() -> list[ms.RunRow]:
    adapter = "/home/me/openlora/runs/run-qwen-math/adapter"
    return [
        tickets(),
        row(
            "qwen-math",
            "succeeded",
            5000,
            step=2400,
            steps=2400,
            loss=0.842,
            eval_loss=0.861,
            adapter=adapter,
        ),
        row(
            "banking77-r64",
            "failed",
            40_000,
            step=31,
            steps=900,
            eval_loss=None,
            reason="The loss is not a number.",
        ),
        row("gsm8k first try", "interrupted", 90_000, step=420, steps=1000),
        row("a run with a very long name indeed", "stopped", 200_000, step=12_345, steps=1_000_000),
        row(
            "next-one", "queued", 3000, step=0, steps=500, loss=None, eval_loss=None, reason="gpu0 is taken."
        ),
    ]


def loss_at(step: int) -> float:
    """A curve with noise that is the same on every machine, and one spike."""
    noise = math.sin(step * 12.9898) * 0.05
    spike = 0.9 * math.exp(-abs(step - 310) / 3)
    return round(1.15 + 1.6 * math.exp(-step / 70) + noise + spike, 6)


def step_event(step: int, t: float) -> ev.Step:
    return ev.Step(
        t=t,
        step=step,
        loss=loss_at(step),
        lr=round(2e-4 * min(step / 36, 1) * (1 + math.cos(math.pi * step / 1200)) / 2, 9),
        grad_norm=round(0.9 + math.sin(step * 7.7) * 0.1 + 6 * math.exp(-abs(step - 310) / 2), 6),
        tokens=2914,
        label_tokens=900,
        seconds=1.0,
        epoch=step / 400,
    )


def begun(t: float) -> list[ev.Event]:
    return [
        ev.Created(
            t=t, run=RUN, name="support-tickets", model="/models/Qwen2.5-1.5B", data=["/data/tickets.jsonl"]
        ),
        ev.Started(t=t + 1, pid=4242, host="box", device="cuda:0"),
        ev.Phase(t=t + 2, name="loading model", detail="Qwen2.5-1.5B"),
        ev.Progress(t=t + 2, done=210, total=338, unit="tensors"),
    ]


def trained(steps: int = 412) -> list[ev.Event]:
    """The events of a run that has come as far as `steps`, ending a second ago."""
    t = NOW - steps - 8
    events = begun(t)
    events += [
        ev.Log(t=t + 3, text="12 rows are longer than 1,024 tokens", level="warning"),
        ev.Planned(
            t=t + 5, steps=1200, epochs=3, rows=11_787, eval_rows=621, tokens=3_400_000, label_tokens=900_000,
            trainable=18_464_768, parameters=1_562_000_000, batch_rows=16, precision="bf16", device="cuda:0",
            form="chat",
            rank=16, targets=["q_proj", "v_proj"], layers=56,
        ),
        ev.Predicted(t=t + 5, bytes=int(19.1 * GIB), parts={"weights": 3 * GIB}),
        ev.Measured(t=t + 6, phase="loading model", bytes=int(3.1 * GIB), reserved=int(3.2 * GIB)),
        ev.Measured(t=t + 6, phase="rehearsing", bytes=int(17.6 * GIB), reserved=int(18.2 * GIB)),
        ev.Phase(t=t + 6, name="training"),
        ev.Measured(t=t + 9, phase="training", bytes=int(17.6 * GIB), reserved=int(18.2 * GIB)),
        ev.Measured(t=t + 9, phase="evaluating", bytes=int(9.2 * GIB), reserved=int(11.0 * GIB)),
    ]  # fmt: skip
    for step in range(1, steps + 1):
        at = t + 7 + step
        events.append(step_event(step, at))
        if step % 50 == 0:
            value = round(1.2 + 1.4 * math.exp(-step / 80), 6)
            events.append(ev.Evaluated(t=at, step=step, loss=value, label_tokens=9000, seconds=2, best=True))
        if step % 100 == 0:
            events.append(ev.Saved(t=at, step=step, path=f"/runs/{step}", bytes=74 << 20, seconds=0.4))
            text = "I am sorry to hear that. Could you tell me your order number?"
            events.append(ev.Sampled(t=at, step=step, prompt="My parcel is not here.", text=text))
        if step == 310:
            events.append(ev.Found(t=at, finding=SPIKE))
    events.append(
        ev.Heartbeat(t=NOW - 1, cpu=1.02, rss=int(3.4 * GIB), device_bytes=18 * GIB, device_peak=19 * GIB)
    )
    return events


def preferring() -> list[ev.Event]:
    """The events of a run that learns from pairs."""
    events: list[ev.Event] = []
    for event in trained():
        if isinstance(event, ev.Step | ev.Evaluated):
            noise = math.sin(event.step * 3.3) * 0.06 if isinstance(event, ev.Step) else 0.0
            learnt = 1 - math.exp(-event.step / 120)
            told = {
                "accuracy": round(0.5 + 0.38 * learnt + noise, 4),
                "margin": round(1.9 * learnt + noise, 4),
            }
            event = msgspec.structs.replace(event, figures=told)
        if isinstance(event, ev.Planned):
            event = msgspec.structs.replace(event, objective="dpo")
        events.append(event)
    return events


def state_of(events: Sequence[ev.Event]) -> RunState:
    return fold(ev.encode(event) for event in events)


FINISHED = ev.Finished(
    t=NOW,
    run=RUN,
    outcome="succeeded",
    steps=1200,
    loss=1.17,
    adapter=f"/home/me/openlora/runs/{RUN}/adapter",
)
FAILED = ev.Failed(
    t=NOW,
    run=RUN,
    steps=412,
    what="The GPU ran out of memory at step 412.",
    why="A batch with three rows of 1,024 tokens needed 25.1 GiB; the card has 24.0 GiB.",
    do="Press r to resume from step 400 with smaller micro-batches.",
    resumable=True,
    exit_code=1,
    console=[
        "    loss.backward()",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to get 1.21 GiB.",
    ],
    log=f"/home/me/openlora/runs/{RUN}/console.log",
)
