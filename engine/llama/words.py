"""What a llama.cpp process and its parent say to each other: one JSON object a line, over its pipes."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

StoppedBy = Literal["stop", "length", "context", "asked"]
"""The model's own end, `max_tokens`, the end of the context, or the parent."""


class Turn(msgspec.Struct, frozen=True):
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag=str.lower):
    pass


# --- parent to process ---


class Load(_Line, frozen=True, kw_only=True):
    """The first line: what to load, and how."""

    path: str
    context: int
    """Tokens of prompt and answer together."""
    threads: int = 1
    gpu_layers: int = 0


class Ask(_Line, frozen=True, kw_only=True):
    """Answer a prompt."""

    number: int
    turns: list[Turn]
    """The last is a user's; or the beginning of the answer itself, where it is the assistant's."""
    grammar: str = ""
    """GBNF that binds the answer; a bad one ends the process, so only tested ones belong here."""
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 0.95
    repeat_penalty: float = 1.0
    seed: int = 0


class Stop(_Line, frozen=True, kw_only=True):
    """End the answer that is under way."""


# --- process to parent ---


class Loaded(_Line, frozen=True, kw_only=True):
    """The model waits for prompts."""

    context: int
    template: bool
    """True where the file brings a chat template that works."""
    gpu: bool
    """True where llama.cpp was built for a GPU."""
    seconds: float


class Unloadable(_Line, frozen=True, kw_only=True):
    """The file cannot be loaded; the process ends."""

    why: str


class Reading(_Line, frozen=True, kw_only=True):
    """How much of the prompt has been read."""

    number: int
    done: int
    total: int


class Piece(_Line, frozen=True, kw_only=True):
    """Some more of the answer, whole characters."""

    number: int
    text: str


class Done(_Line, frozen=True, kw_only=True):
    """The end of an answer."""

    number: int
    text: str
    tokens: int
    seconds: float
    """From the first token to the last."""
    stopped_by: StoppedBy


class TooLong(_Line, frozen=True, kw_only=True):
    """The prompt leaves no room for an answer."""

    number: int
    tokens: int
    room: int


class Refused(_Line, frozen=True, kw_only=True):
    """The prompt could not be answered; the next one can."""

    number: int
    why: str


ToProcess = Load | Ask | Stop
ToParent = Loaded | Unloadable | Reading | Piece | Done | TooLong | Refused

_encoder: Final = msgspec.json.Encoder()
_to_process: Final[msgspec.json.Decoder[ToProcess]] = msgspec.json.Decoder(ToProcess)
_to_parent: Final[msgspec.json.Decoder[ToParent]] = msgspec.json.Decoder(ToParent)


def encode(said: ToProcess | ToParent) -> bytes:
    """`said` as a line."""
    return _encoder.encode(said) + b"\n"


def to_process(line: bytes) -> ToProcess:
    """The line's words; raises msgspec.DecodeError where it has none."""
    return _to_process.decode(line)


def to_parent(line: bytes) -> ToParent:
    """The line's words; raises msgspec.DecodeError where it has none."""
    return _to_parent.decode(line)
