"""How far the demo is: the stages of its story, from the events of its maker and of its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from engine import events as ev
from engine.run_state import ENDED, RunState
from engine.starter.story import Sample, pairs

Standing = Literal["waits", "works", "done", "failed"]
_TOKENIZER, _MODEL, _BEFORE, _LORA, _AFTER = range(5)
TITLES: Final = (
    "a tokenizer, from tales that are told here",
    "a model of a million parameters, trained on them",
    "what it answers before",
    "LoRA: the voice of a ship's log",
    "what it answers after",
)
_MAKING: Final = {"making the tokenizer": _TOKENIZER, "training the starter model": _MODEL}


@dataclass(frozen=True)
class Stage:
    """One line of the story; `left` and `part` are None while nothing is known."""

    title: str
    standing: Standing
    detail: str = ""
    part: float | None = None
    left: float | None = None
    """Seconds."""
    took: float | None = None
    """Seconds."""


@dataclass
class Demo:
    """The story so far."""

    clock: Callable[[], float]
    run: str = ""
    """Its run, once there is one."""
    problem: dict[str, str] | None = None
    began: float = 0.0
    ended: float = 0.0
    held_out: tuple[float, float] | None = None
    """The loss on the rows held out, before and after."""
    kept: bool = False
    """True where the model was there from an earlier time."""
    _at: int = 0
    _phase: str = "starting a worker"
    _first: ev.Progress | None = None
    _last: ev.Progress | None = None
    _starts: dict[int, float] = field(default_factory=dict)
    _samples: list[Sample] = field(default_factory=list)

    def begin(self) -> None:
        """From here on time counts."""
        self.began = self.clock()
        self._enter(_TOKENIZER)

    def heard(self, body: bytes) -> None:
        """Take in an event of the maker."""
        event = ev.decode(body)
        if isinstance(event, ev.Phase):
            self._phase, self._first, self._last = f"{event.name} {event.detail}".strip(), None, None
            self.kept = self.kept or event.name == "starter model"
            if event.name in _MAKING:
                self._enter(_MAKING[event.name])
        elif isinstance(event, ev.Progress):
            self._first, self._last = self._first or event, event

    def submitted(self, run: str) -> None:
        """The model is there, and its run is queued."""
        self.run = run
        self._enter(_BEFORE)

    def failed(self, problem: dict[str, str]) -> None:
        """The story ends here."""
        self.problem, self.ended = problem, self.clock()

    def follow(self, state: RunState) -> None:
        """Take in how far the run is."""
        self._samples = pairs(state.samples) or self._samples
        measured = [last for _, _, _, last in state.eval_loss.points()]
        if len(measured) > 1:
            self.held_out = measured[0], measured[-1]
        if state.step > 0 or (self._samples and state.phase == "training"):
            self._enter(_LORA)
        if state.steps and state.step >= state.steps:
            self._enter(_AFTER)
        if state.status in ENDED and not self.ended:
            self.ended = self.clock()
            if isinstance(state.outcome, ev.Failed):
                out = state.outcome
                self.problem = {"what": out.what, "where": out.where, "why": out.why, "do": out.do}

    @property
    def samples(self) -> list[Sample]:
        """The prompts with the answers that are known by now."""
        return self._samples

    @property
    def told(self) -> bool:
        """True once before and after can be compared."""
        return bool(self.ended and self.problem is None and any(sample.after for sample in self._samples))

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self.ended or self.clock()) - self.began

    def stages(self, state: RunState | None) -> list[Stage]:
        """The lines as they stand now."""
        return [self._stage(index, title, state) for index, title in enumerate(TITLES)]

    def _stage(self, index: int, title: str, state: RunState | None) -> Stage:
        if index > self._at:
            return Stage(title, "waits")
        if index < self._at or self.told:
            kept = self.kept and index <= _MODEL
            return Stage(
                title, "done", "kept from before" if kept else "", took=None if kept else self._took(index)
            )
        if self.ended:
            return Stage(title, "failed")
        if index < _BEFORE:
            return Stage(title, "works", self._phase, *self._making())
        return Stage(title, "works", *_tuning(index, state))

    def _making(self) -> tuple[float | None, float | None]:
        first, last = self._first, self._last
        if first is None or last is None or last.done == first.done or not last.total:
            return None, None
        pace = (last.t - first.t) / (last.done - first.done)
        return last.done / last.total, pace * (last.total - last.done)

    def _took(self, index: int) -> float | None:
        later = [start for at, start in self._starts.items() if at > index]
        start = self._starts.get(index)
        return None if start is None else min(later, default=self.ended or self.clock()) - start

    def _enter(self, index: int) -> None:
        if index > self._at or not self._starts:
            self._at = index
            self._starts[index] = self.clock()


def _tuning(index: int, state: RunState | None) -> tuple[str, float | None, float | None]:
    """What the run is doing: in words, how far, and the seconds left."""
    if state is None:
        return "", None, None
    if index != _LORA or not state.steps:
        return state.reason if state.status == "queued" else state.phase, None, None
    loss = f", loss {state.mean_loss:.3f}" if state.mean_loss is not None else ""
    return f"step {state.step:,} of {state.steps:,}{loss}", state.step / state.steps, state.seconds_left
