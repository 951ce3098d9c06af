"""What a front end and a chat worker say to each other: one JSON object a body."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from engine.decoding import decoded
from engine.events import Form

Side = Literal["base", "adapter"]
SIDES: Final[tuple[Side, ...]] = ("base", "adapter")
StoppedBy = Literal["stop", "length", "context", "asked"]
"""A stop token, `max_new_tokens`, the end of the model's context, or a person."""


class Turn(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the next token is drawn, by the names of transformers' GenerationConfig."""

    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    top_k: int = 0
    """0 leaves all tokens in."""
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    seed: int = 0


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to talk to; paths are absolute."""

    model: str
    """A folder in Hugging Face's format, or a hub id whose files are on this machine."""
    adapter: str = ""
    """A folder that peft saved an adapter in; empty for the model alone."""
    name: str = ""
    """What a person calls it."""
    run: str = ""
    form: Form | None = None
    """How the adapter's prompts were written in training, None where that is not known."""
    mixed_precision: str = "auto"
    device: str = "auto"
    prompts: list[str] = []
    """Prompts of the run's samples, as they were rendered."""
    trust: str | None = None
    """A recipe's `trust_remote_code`; where it is left out, that of the run counts."""


# --- front end to worker ---


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag=str.lower):
    """One body."""


class Ask(Said, frozen=True, kw_only=True):
    """Let one side or both answer; an answer that is under way ends first."""

    number: int
    """Told back with every piece of the answers."""
    turns: dict[Side, list[Turn]]
    """The conversation of each side that shall answer, a user's turn last."""
    sampling: Sampling
    form: Form


class Stop(Said, frozen=True, kw_only=True):
    """End the answers that are under way."""


# --- worker to front end ---


class Loading(Said, frozen=True, kw_only=True):
    """What is being done before the first answer."""

    what: str


class Ready(Said, frozen=True, kw_only=True):
    """The model waits for a prompt."""

    model: str
    adapter: str
    sides: list[Side]
    context: int | None
    """Positions that the model was made for, None where its configuration does not say."""
    form: Form
    """The form to begin with: that of the training, else `chat` where the model has a template."""
    trained: Form | None
    template: bool
    """True where the model brings a chat template; turns are else written in headed sections."""
    sampling: Sampling
    """The model's own, from its generation_config.json where that says to sample."""
    device: str
    dtype: str
    seconds: float
    """What loading took."""
    note: str = ""
    """What a person should know about the device; empty where nothing is unusual."""
    suggestions: list[str] = []
    """Prompts to try."""


class Begun(Said, frozen=True, kw_only=True):
    """A side has read its prompt."""

    number: int
    side: Side
    tokens: int
    """Tokens of the prompt."""
    dropped: int = 0
    """Oldest turns left out because they no longer fit the context."""


class Piece(Said, frozen=True, kw_only=True):
    """Some more of an answer, whole characters."""

    number: int
    side: Side
    text: str


class Done(Said, frozen=True, kw_only=True):
    """The end of an answer."""

    number: int
    side: Side
    text: str
    tokens: int
    """Tokens that were answered, the stop token not counted."""
    tokens_per_second: float
    """Of this side; both sides at once take turns."""
    stopped_by: StoppedBy


class Refused(Said, frozen=True, kw_only=True):
    """A prompt that could not be answered, in the words of a Problem; the chat goes on."""

    number: int
    side: Side
    problem: dict[str, str]


ToWorker = Ask | Stop
ToFront = Loading | Ready | Begun | Piece | Done | Refused

_encoder: Final = msgspec.json.Encoder()
_spec: Final = msgspec.json.Decoder(Spec)
_to_worker: Final[msgspec.json.Decoder[ToWorker]] = msgspec.json.Decoder(ToWorker)
_to_front: Final[msgspec.json.Decoder[ToFront]] = msgspec.json.Decoder(ToFront)


def encode(said: Said | Spec) -> bytes:
    """The bytes of a body or a spec."""
    return _encoder.encode(said)


def spec(data: bytes) -> Spec:
    """The spec that `data` holds."""
    return _spec.decode(data)


def to_worker(data: bytes) -> ToWorker | None:
    """A body for the worker, None where it is of no kind known here."""
    return decoded(_to_worker, data)


def to_front(data: bytes) -> ToFront | None:
    """A body for the front end, None where it is of no kind known here."""
    return decoded(_to_front, data)
