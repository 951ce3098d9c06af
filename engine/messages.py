"""What front ends, engine and workers say to each other: tagged plain values; the first one has a version."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from engine.decoding import decoded
from engine.findings import Patch
from engine.lessons.lesson import Lesson
from engine.remarks import Remark
from engine.run_state import RunState
from engine.shown import Gpu as Gpu
from engine.shown import Machine as Machine
from engine.shown import RunRow as RunRow

PROTOCOL: Final = 1

Verb = Literal[
    "stop", "kill", "pause", "continue", "save", "resume", "delete", "hold", "release", "sooner",
    "later", "pin", "rate", "remark", "retry",
]  # fmt: skip
"""`stop` saves first, `kill` does not; `continue` ends a pause, `resume` starts a new worker.

`hold`, `release`, `sooner`, `later` and `pin` are for a run that waits in the queue; `pin` takes `devices`
among its settings. `rate` is for one that works, and takes `learning_rate`. `remark` adds what someone says.
`retry` begins a linked run with what may mend one that has ended; Accepted names the new run.
"""

SideJob = Literal["advisor", "chat", "estimate", "inspect", "perplexity", "preflight", "recommend", "starter"]
"""What a worker does that is no run: it talks with one front end, and leaves with it.

`starter` makes the demo's model.
"""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One message; unknown fields are ignored, so that versions can differ."""


class JobContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a job takes from its front end, and never from the long-lived engine."""

    python: str
    cwd: str
    umask: int
    env: dict[str, str] = {}


# --- front end to engine ---


class Hello(Message, frozen=True, kw_only=True):
    """The first message of a front end."""

    protocol: int = PROTOCOL
    front: str
    pid: int
    version: str
    app: bool = False
    """True for the full-screen app, which wants runs and machine pushed and a spare worker ready."""
    context: JobContext | None = None


class Bye(Message, frozen=True, kw_only=True):
    """A front end leaves; silence means the same, later."""

    front: str


class Watch(Message, frozen=True, kw_only=True):
    """Send a snapshot of the run, then every event after it."""

    front: str
    run: str


class Unwatch(Message, frozen=True, kw_only=True):
    """Stop sending the run's events."""

    front: str
    run: str


class ListRuns(Message, frozen=True, kw_only=True):
    """Send the newest runs."""

    front: str
    request: str
    limit: int = 200


class ListLessons(Message, frozen=True, kw_only=True):
    """Send a page of what runs taught, deleted and imported ones included, the newest first."""

    front: str
    request: str
    skip: int = 0
    limit: int = 250


class Learn(Message, frozen=True, kw_only=True):
    """Keep what runs of another home taught; one that is there already takes the place of what was kept."""

    front: str
    request: str
    lessons: list[Lesson]


class Forget(Message, frozen=True, kw_only=True):
    """Drop what deleted or imported runs taught."""

    front: str
    request: str
    runs: list[str]


class Submit(Message, frozen=True, kw_only=True):
    """Queue a run: the text of a recipe whose paths are absolute already."""

    front: str
    request: str
    name: str
    recipe: str
    context: JobContext
    hold: bool = False
    """Let it wait until someone releases it."""


class Act(Message, frozen=True, kw_only=True):
    """Do something with a run."""

    front: str
    request: str
    run: str
    verb: Verb
    context: JobContext | None = None
    settings: dict[str, str] = {}
    """For `resume` and `retry`: recipe fields and what a person typed for them, paths absolute."""
    patch: Patch | None = None
    """For `retry`: what is to be changed; None leaves that to the engine."""
    remark: Remark | None = None
    """For `remark`: the event to add to the run's own."""


class Begin(Message, frozen=True, kw_only=True):
    """Start a side job; `spec` is JSON of the job's own kind. Accepted with the side's id as `run`."""

    front: str
    request: str
    job: SideJob
    spec: bytes
    context: JobContext


class Tell(Message, frozen=True, kw_only=True):
    """Something for a side job, passed on as it is; `body` is JSON of the job's own kind."""

    front: str
    side: str
    body: bytes


class End(Message, frozen=True, kw_only=True):
    """The side job is not wanted any more."""

    front: str
    side: str


class Leave(Message, frozen=True, kw_only=True):
    """End the engine; workers go on."""

    front: str


# --- engine to front end ---


class Welcome(Message, frozen=True, kw_only=True):
    """The engine's answer to Hello."""

    protocol: int = PROTOCOL
    pid: int
    version: str
    home: str
    notes: list[str] = []
    attached: int = 0
    """How many front ends it serves, this one included."""


class Runs(Message, frozen=True, kw_only=True):
    """Rows of runs, newest first; `whole` lists replace what was known, others update it."""

    rows: list[RunRow]
    gone: list[str] = []
    whole: bool = False
    total: int = 0
    request: str = ""


class Lessons(Message, frozen=True, kw_only=True):
    """A page of what runs taught, of `total` lessons that there are."""

    lessons: list[Lesson]
    request: str
    total: int = 0


class Snapshot(Message, frozen=True, kw_only=True):
    """The state of a run after `state.events` events."""

    run: str
    state: RunState


class Happened(Message, frozen=True, kw_only=True):
    """Lines of a run's `events.jsonl`; `number` is that of the first (the first of all is 0)."""

    run: str
    number: int
    lines: list[bytes]


class Measured(Message, frozen=True, kw_only=True):
    """The machine now."""

    machine: Machine


class Noted(Message, frozen=True, kw_only=True):
    """What a person should know of the engine and its home, when it comes about."""

    notes: list[str]


class Accepted(Message, frozen=True, kw_only=True):
    """A request was done or queued; `run` is the run it concerns."""

    request: str
    run: str
    note: str = ""


class Refused(Message, frozen=True, kw_only=True):
    """A request was not done, and why."""

    request: str
    problem: dict[str, str]
    exit_status: int = 2


# --- side job to engine, and on to its front end ---


class Said(Message, frozen=True, kw_only=True):
    """What a side job says; `body` is JSON of the job's own kind."""

    side: str
    body: bytes


class Ended(Message, frozen=True, kw_only=True):
    """A side job ended, by itself or by a problem."""

    side: str
    problem: dict[str, str] | None = None
    exit_status: int = 1


# --- engine to worker ---


class Order(Message, frozen=True, kw_only=True):
    """A command to a worker, answered between two micro-batches."""

    verb: Literal["stop", "pause", "continue", "save", "rate", "remark"]
    by: str = ""
    rate: float = 0.0
    """For `rate`: the new peak learning rate."""
    remark: Remark | None = None
    """For `remark`: the worker alone writes events while it lives, so it writes this one."""


class Assign(Message, frozen=True, kw_only=True):
    """A spare worker gets its job."""

    folder: str
    context: JobContext
    device: str


class Serve(Message, frozen=True, kw_only=True):
    """A worker gets a side job; it listens at the mailbox named as the side from now on."""

    side: str
    job: SideJob
    spec: bytes
    context: JobContext
    device: str
    console: str


class Strange(msgspec.Struct, frozen=True, kw_only=True):
    """What can be read of a message whose kind or values only another version knows."""

    kind: str = ""
    front: str = ""
    request: str = ""
    run: str = ""
    verb: str = ""
    job: str = ""
    state: StrangeState | None = None

    @property
    def wish(self) -> str:
        """What is not known here, in the other version's own word."""
        return self.verb or self.job or self.kind


class StrangeState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a RunState of another version has read."""

    events: int = 0
    offset: int = 0


Asked = ListRuns | ListLessons | Learn | Forget | Submit | Act
FromFront = Hello | Bye | Watch | Unwatch | Asked | Begin | Tell | End | Leave
ToEngine = FromFront | Said | Ended
ToFront = (
    Welcome | Noted | Runs | Lessons | Snapshot | Happened | Measured | Accepted | Refused | Said | Ended
)
ToWorker = Order | Assign | Serve | Tell | End

_READABLE: Final = frozenset(Strange.__struct_fields__)

_encoder: Final = msgspec.msgpack.Encoder()
_to_engine: Final[msgspec.msgpack.Decoder[ToEngine]] = msgspec.msgpack.Decoder(ToEngine)
_to_front: Final[msgspec.msgpack.Decoder[ToFront]] = msgspec.msgpack.Decoder(ToFront)
_to_worker: Final[msgspec.msgpack.Decoder[ToWorker]] = msgspec.msgpack.Decoder(ToWorker)
_any: Final[msgspec.msgpack.Decoder[dict[str, Any]]] = msgspec.msgpack.Decoder(dict[str, Any])


def encode(message: Message) -> bytes:
    """`message` as bytes for the bus."""
    return _encoder.encode(message)


def to_engine(data: bytes) -> ToEngine | None:
    """A message for the engine, or None where it is of no known type."""
    return decoded(_to_engine, data)


def to_front(data: bytes) -> ToFront | None:
    """A message for a front end, or None where it is of no known type."""
    return decoded(_to_front, data)


def to_worker(data: bytes) -> ToWorker | None:
    """A message for a worker, or None where it is of no known type."""
    return decoded(_to_worker, data)


def strange(data: bytes) -> Strange:
    """What can be read of a message that none of the above knows; of garbage, nothing."""
    fields = {name: value for name, value in (decoded(_any, data) or {}).items() if name in _READABLE}
    state = fields.pop("state", None)
    words: dict[str, Any] = {name: value for name, value in fields.items() if isinstance(value, str)}
    try:
        return Strange(**words, state=msgspec.convert(state, StrangeState | None))
    except msgspec.ValidationError:
        return Strange(**words)
