"""A home with a run as its files tell it, and an engine whose advisor is the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine import events as ev
from engine import messages as ms
from engine.findings import Finding, Patch
from engine.lessons.lesson import Attempt, Lesson, ModelPrint, Seen
from engine.local_model.serve import serve
from tests.tui.fake_engine import FAILED, SPIKE, FakeEngine, row, state_of, trained
from tests.tui.fake_side import SideEngine

RUN = "42"
RECIPE = """# my own words
model: /models/Qwen2.5-1.5B
data: /data/tickets.jsonl

# --- optimisation ---
learning_rate: 2e-4   # as in the paper
lora_r: 16
per_device_train_batch_size: 4
"""
CONSOLE = """Loading checkpoint shards: 100%
Traceback (most recent call last):
  File "engine/train/loop.py", line 212, in train
    loss.backward()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.21 GiB. GPU 0 has 812.00 MiB free.
[rank0]: the process group was not destroyed
"""
NOTE = Finding(
    category="duplicates",
    severity="note",
    title="14 rows are there twice",
    evidence=["rows 12 and 9,031", "rows 77 and 78"],
    remedy="Drop them, or leave them: they are one row in a thousand.",
)
OOM = Finding(
    category="oom",
    severity="blocker",
    title="The card ran out of memory in the backward pass",
    confidence=0.97,
    evidence=["CUDA out of memory. Tried to allocate 1.21 GiB.", "peak 23.1 GiB of 24.0 GiB"],
    cause="The longest rows of the data need more than the card has.",
    remedy="Halve the micro-batch; accumulation keeps the rows of a step.",
    patch=Patch(label="per_device_train_batch_size 4 -> 2", recipe={"per_device_train_batch_size": 2}),
)
PAST = Lesson(
    run="39",
    status="succeeded",
    model=ModelPrint(name="/models/Qwen2.5-1.5B"),
    findings=[
        Seen(name="loss_spike_divergence", category="loss_spike_divergence", severity="warning", title="x")
    ],
    attempts=[
        Attempt(
            finding="loss_spike_divergence",
            category="loss_spike_divergence",
            patch=Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4}),
            after="37",
            helped=True,
        )
    ],
)  # fmt: skip


class AdvisedEngine(SideEngine):
    """Answers what past runs taught, and questions by rules."""

    def __init__(self, serving: Callable[..., None] = serve) -> None:
        super().__init__("advisor", serving)
        self.lessons: list[Lesson] = [PAST]

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.ListLessons):
            self.push(ms.Lessons(lessons=self.lessons, request=message.request))


def lay(engine: FakeEngine, home: Path, events: Sequence[ev.Event], status: str = "running") -> None:
    """The run on disk, in the list, and ready to be watched."""
    mine = [replace(e, run=RUN) if isinstance(e, ev.Created | ev.Failed | ev.Finished) else e for e in events]
    folder = home / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "events.jsonl").write_bytes(b"".join(map(ev.encode, mine)))
    if status == "failed":
        (folder / "console.log").write_text(CONSOLE)
    engine.home = str(home)
    state = state_of(mine)
    engine.states[RUN] = state
    engine.list([row("support-tickets", status, run=RUN, findings=len(state.findings), reason=state.reason)])


def noticed() -> list[ev.Event]:
    """A live run with a warning and a note."""
    events = trained()
    return [*events, ev.Found(t=events[-1].t, finding=NOTE)]


def healthy() -> list[ev.Event]:
    """A live run in which nothing was noticed."""
    return [event for event in trained() if not isinstance(event, ev.Found)]


def dead() -> list[ev.Event]:
    """A run that ran out of memory."""
    return [*healthy(), replace(FAILED, console=[], log="", findings=[OOM, SPIKE])]
