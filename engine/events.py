"""The facts that a job reports: typed, versioned, one JSON object a line in the run's `events.jsonl`.

Every event is a small struct tagged by its `event` key. Readers skip kinds that they do not
know, so an older front end can watch a newer worker. A number that is not finite is stored
as null, because JSON has no other word for it.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from engine.event import Count, Loss, Time
from engine.event import Event as Event
from engine.findings import Finding
from engine.lessons.prints import Prints
from engine.remarks import Dismissed, Followed, Labelled, Said, Tried
from engine.text import sayable

VERSION: Final = 1

Outcome = Literal["succeeded", "stopped"]
Level = Literal["info", "warning", "error"]
Form = Literal["chat", "verbatim"]
"""How a prompt is written: as turns by the chat template, or as it stands."""
HUB: Final = "hub"
"""The device of a worker that fetches the run's model and needs none."""


class Created(Event, frozen=True, kw_only=True):
    """The first line of every run."""

    run: str
    name: str
    model: str
    data: list[str]
    steps: Count = 0
    """Planned optimizer steps, 0 while unknown."""
    parent: str | None = None
    """The run whose adapter or model it starts from."""
    lineage: list[str] = []
    """The parent, its parent, and so on to the first."""
    version: int = VERSION


class Queued(Event, frozen=True, kw_only=True):
    """The run waits; `reason` says for what."""

    reason: str
    place: Time | None = None
    """Lower ones start first; None keeps the place it has, at first the time of this event."""
    held: bool = False
    """True where it waits for someone to release it."""
    pinned: str | None = None
    """The devices that it is to have, whatever its recipe says; empty: the recipe's, None: no change."""


class Started(Event, frozen=True, kw_only=True):
    """A worker process took the run."""

    pid: Count
    host: str
    device: str
    versions: dict[str, str] = {}
    spare: bool = False
    """True where the worker had been imported and waiting."""


class Phase(Event, frozen=True, kw_only=True):
    """The job entered a phase, named for people: `loading model`, `training` and so on."""

    name: str
    detail: str = ""


class Progress(Event, frozen=True, kw_only=True):
    """How far the phase is; `total` is 0 where unknown."""

    done: Count
    total: Count
    unit: str = ""
    rate: float = 0.0
    """Units a second; 0 where it is not measured."""


class Fetched(Event, frozen=True, kw_only=True):
    """The model that the recipe names by its hub id lies here, and every start of the run takes this one."""

    model: str
    revision: str
    """The commit."""
    path: str
    bytes: Count


class Planned(Event, frozen=True, kw_only=True):
    """What the worker will do, known once data and model are loaded."""

    steps: Count
    epochs: float
    rows: Count
    eval_rows: Count
    tokens: Count
    """Tokens of one epoch, without padding."""
    label_tokens: Count
    """Tokens of one epoch that are trained on."""
    trainable: Count
    """Parameters that train."""
    parameters: Count
    """Parameters of model and adapter together."""
    batch_rows: Count
    """Rows of one optimizer step, over all ranks and micro-batches."""
    precision: str = "fp32"
    device: str = "cpu"
    objective: str = "sft"
    """As the recipe names it."""
    form: Form | None = None
    """How the rows' prompts are written, None where an older worker did not say."""
    rank: Count = 0
    """Rank of the adapter; 0 in runs of older versions."""
    targets: list[str] = []
    """Names of the layers that carry the adapter, as peft matches them."""
    layers: Count = 0
    """How many layers they are."""
    learning_rate: float = 0.0
    """The peak as the worker begins: the recipe's, or what it was changed to on the way."""
    base: str = ""
    """How the base's weights are held where they are quantised, such as `nf4, double`."""
    attention: str = ""
    """The attention kernel, as transformers calls it; empty in runs of older versions."""
    optimizer: str = ""
    """The recipe's `optim`; empty in runs of older versions."""
    prints: Prints = Prints()
    """By which the run is known to be comparable with others."""

    @property
    def how(self) -> dict[str, str]:
        """How each step is computed: precision, and what else the worker said of it."""
        said = {"base": self.base, "attention": self.attention, "optimizer": self.optimizer}
        return {"precision": self.precision, **{name: value for name, value in said.items() if value}}

    @property
    def computed(self) -> str:
        """The same for people, on one line."""
        words = {"precision": "in {}", "base": "base in {}", "attention": "attention by {}"}
        return "; ".join(words.get(name, "{}").format(value) for name, value in self.how.items())


class Step(Event, frozen=True, kw_only=True):
    """One optimizer step."""

    step: Count
    loss: Loss | None
    """Mean over the label tokens of the effective batch, in nats."""
    lr: float
    grad_norm: float | None
    """L2 norm of all gradients before clipping."""
    tokens: Count
    """Non-padding tokens."""
    label_tokens: Count
    seconds: float
    """Wall clock since the step before, without evaluation, saving and pauses."""
    epoch: float
    micro_batches: Count = 1
    figures: dict[str, Loss] = {}
    """What the objective tells beside the loss, by name: means over the step."""


class Evaluated(Event, frozen=True, kw_only=True):
    """The loss on the held-out rows; where it has no figures beside it, perplexity is its exponential."""

    step: Count
    loss: Loss | None
    label_tokens: Count
    seconds: float
    best: bool = False
    figures: dict[str, Loss] = {}
    """What the objective tells beside the loss, by name."""


class Sampled(Event, frozen=True, kw_only=True):
    """What the model being trained answered to a prompt."""

    step: Count
    prompt: str
    text: str
    seconds: float = 0.0


class Saved(Event, frozen=True, kw_only=True):
    """A checkpoint is complete on disk."""

    step: Count
    path: str
    bytes: Count
    seconds: float


class Pruned(Event, frozen=True, kw_only=True):
    """Someone has removed the checkpoints of a run that had ended; what it has taught stays."""

    bytes: Count


class Resumed(Event, frozen=True, kw_only=True):
    """Work goes on from the checkpoint at `step`; points after it no longer count."""

    step: Count
    path: str = ""


class RolledBack(Event, frozen=True, kw_only=True):
    """The loop went back to the checkpoint of `step`, and does the steps after it again in another way."""

    step: Count
    broken: Count
    """The step that it went back from."""
    reason: str
    action: str
    """How it goes on: `without its batch`, or `with learning_rate 1e-4`."""
    path: str = ""
    rate: float = 0.0
    """The peak learning rate from here on."""


class Steered(Event, frozen=True, kw_only=True):
    """The steps after `step` have another peak learning rate than those before."""

    step: Count
    rate: float
    before: float
    by: str


class Paused(Event, frozen=True, kw_only=True):
    """The loop waits between two micro-batches, the device still held."""

    step: Count
    reason: str = ""
    """Why it waits by itself; empty where someone asked for it."""


class Continued(Event, frozen=True, kw_only=True):
    """The loop goes on after a pause."""

    step: Count
    seconds: float
    """Length of the pause."""


class Stopping(Event, frozen=True, kw_only=True):
    """A stop was asked for; `by` says by whom."""

    step: Count
    by: str
    save: bool = True


class Heartbeat(Event, frozen=True, kw_only=True):
    """The worker's own pulse and appetite, every two seconds, from a thread beside the loop."""

    cpu: float
    """Share of one core, 1.0 = one core busy."""
    rss: Count
    """Resident bytes of the worker."""
    device_bytes: Count = 0
    """Bytes that the framework holds on the accelerator."""
    device_peak: Count = 0
    quiet: float = 0.0
    """Seconds since the loop last did something."""
    kills: tuple[Count | None, Count | None] = (None, None)
    """Processes of its control group, and of the machine, that the kernel has killed for memory."""


class Predicted(Event, frozen=True, kw_only=True):
    """What the run was expected to take in memory at its peak, before it was tried."""

    bytes: Count
    parts: dict[str, Count] = {}
    """The same by part, as `openlora estimate` names them."""


class Measured(Event, frozen=True, kw_only=True):
    """The most that a phase has taken in memory so far; told again when it grows."""

    phase: str
    bytes: Count
    """Of tensors on the accelerator; without one, resident above the loaded libraries."""
    reserved: Count = 0
    """What the accelerator's allocator held for them; 0 without one."""


class Found(Event, frozen=True, kw_only=True):
    """A finding about this run."""

    finding: Finding


class Injected(Event, frozen=True, kw_only=True):
    """A fault is about to strike because `OPENLORA_FAULT` asked for it (`engine/faults.py`); never twice."""

    fault: str
    step: Count = 0
    """The step that is under way."""


class Log(Event, frozen=True, kw_only=True):
    """A line for people."""

    text: str
    level: Level = "info"


class Finished(Event, frozen=True, kw_only=True):
    """The run ended well: `succeeded` by itself, or `stopped` and saved at someone's word."""

    run: str
    outcome: Outcome
    steps: Count
    loss: Loss | None
    """Mean of the last 10 steps."""
    adapter: str | None
    """Absolute path of the verified adapter."""
    findings: list[Finding] = []


class Failed(Event, frozen=True, kw_only=True):
    """The run ended without what was asked; `resumable` says that a checkpoint waits."""

    run: str
    steps: Count
    what: str
    why: str = ""
    do: str = ""
    where: str = ""
    loss: Loss | None = None
    adapter: str | None = None
    findings: list[Finding] = []
    resumable: bool = False
    interrupted: bool = False
    """True where a signal or a person ended it after saving, and nothing is wrong."""
    exit_code: Count | None = None
    signal: str | None = None
    console: list[str] = []
    """Last lines of the console of a worker that died without a word."""
    log: str = ""
    """Path of the whole console."""


AnyEvent = (
    Created | Queued | Started | Phase | Progress | Fetched | Planned | Step | Evaluated | Sampled | Saved
    | Pruned | Resumed | RolledBack | Steered | Paused | Continued | Stopping | Heartbeat | Predicted
    | Measured | Found | Injected | Log | Finished | Failed | Dismissed | Labelled | Tried | Said
    | Followed
)  # fmt: skip
Terminal = Finished | Failed

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """`event` as one line of JSON, with its newline."""
    try:
        return _encoder.encode(event) + b"\n"
    except UnicodeEncodeError:  # a file name that is not UTF-8 reaches us with lone surrogates
        return _encoder.encode(sayable(msgspec.to_builtins(event))) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """The event on `line`, or None where it is torn, foreign or of a kind unknown here."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
