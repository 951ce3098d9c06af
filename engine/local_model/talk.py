"""What a front end and the advisor's side job say to each other: one JSON object a body.

A front end begins the side job `advisor` with `encode(Spec())` and hears Ready. Then it asks one Question
after another and hears, for each, any number of Loading and Piece, and at last one Answer or one Failed.
It is the same with and without a model: without one the rules answer, and where a model crashes, stalls or
talks nonsense, the rules' answer takes its place and `note` says why.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from engine.decoding import decoded
from engine.findings import Finding, Patch
from engine.lessons.lesson import Lesson

By = Literal["model", "rules"]
"""Who has answered."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """How to answer."""

    model: str = ""
    """A GGUF file to ask in place of the one that was chosen, by its absolute path."""
    rules: bool = False
    """Ask no model, even where one was chosen."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change that can be applied: the checks of a recipe have passed it."""

    patch: Patch
    cites: list[int] = []
    """The findings that it rests on, by number."""
    warnings: list[str] = []
    """What the checks say of it all the same."""


class _Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag=str.lower):
    pass


# --- front end to worker ---


class Question(_Body, frozen=True, kw_only=True):
    """A question; one that is being answered ends first."""

    number: int
    """Told back with everything that is said to it."""
    text: str
    run: str = ""
    """The run that it is about, by id; empty where it is about none."""
    findings: list[Finding] = []
    """As the person sees them: `[1]` in an answer is the first of these."""
    lessons: list[Lesson] = []
    """Of past runs, the most alike first."""
    recipe: str = ""
    """The text of the recipe at hand; empty for that of the run."""
    step: int | None = None
    """The step that the person points at."""


class Cancel(_Body, frozen=True, kw_only=True):
    """End the answer that is under way; what it has said so far becomes its Answer."""


# --- worker to front end ---


class Ready(_Body, frozen=True, kw_only=True):
    """Questions can be asked."""

    model: str = ""
    """The model's name; empty where the rules answer alone."""
    note: str = ""
    """Why there is no model, and what to do for one; empty where there is one."""


class Loading(_Body, frozen=True, kw_only=True):
    """What is done before the first word of the answer, such as `reading the question`."""

    number: int
    what: str
    done: int = 0
    total: int = 0
    """Units of it; 0 where they are not counted."""


class Piece(_Body, frozen=True, kw_only=True):
    """Some more of the answer, cleaned; whole characters."""

    number: int
    text: str


class Answer(_Body, frozen=True, kw_only=True):
    """The whole answer. It replaces the pieces, which may have been put aside as nonsense."""

    number: int
    text: str
    by: By
    cites: list[int] = []
    """Numbers of the findings that `text` names as `[1]`; each is one of the question's."""
    proposal: Proposal | None = None
    note: str = ""
    """What a person should know beside it: why the rules answer, figures that nothing supports."""
    cancelled: bool = False
    tokens: int = 0
    tokens_per_second: float = 0.0


class Failed(_Body, frozen=True, kw_only=True):
    """The question cannot be answered at all, in the words of a Problem; the next one can."""

    number: int
    problem: dict[str, str]


ToWorker = Question | Cancel
ToFront = Ready | Loading | Piece | Answer | Failed

_encoder: Final = msgspec.json.Encoder()
_spec: Final = msgspec.json.Decoder(Spec)
_to_worker: Final[msgspec.json.Decoder[ToWorker]] = msgspec.json.Decoder(ToWorker)
_to_front: Final[msgspec.json.Decoder[ToFront]] = msgspec.json.Decoder(ToFront)


def encode(said: ToWorker | ToFront | Spec) -> bytes:
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
