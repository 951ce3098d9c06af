"""A conversation with one model, with and without its adapter: what was asked and answered so far."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from engine.chat import spoken
from engine.chat.spoken import Ask, Ready, Sampling, Side, Turn
from engine.events import Form
from engine.messages import RunRow
from engine.run_state import ENDED
from engine.text import one_line

STOPPED: dict[spoken.StoppedBy, str] = {
    "stop": "",
    "length": "cut at max_new_tokens",
    "context": "the context is full",
    "asked": "stopped",
}
"""Why an answer ended, in words; an answer that ended by itself needs none."""


@dataclass
class Answer:
    """What one side says to a prompt."""

    text: str = ""
    begun: spoken.Begun | None = None
    done: spoken.Done | None = None
    problem: dict[str, str] | None = None

    @property
    def ended(self) -> bool:
        """True once nothing more comes."""
        return self.done is not None or self.problem is not None

    @property
    def remark(self) -> str:
        """What there is to say about it in a line: length, speed, why it ended, what it did not see."""
        parts = []
        if self.done is not None:
            parts.append(f"{self.done.tokens:,} token{'' if self.done.tokens == 1 else 's'}")
            if self.done.tokens:
                speed = self.done.tokens_per_second
                parts.append(f"{speed:,.0f} tok/s" if speed >= 100 else f"{speed:.1f} tok/s")
            if why := STOPPED[self.done.stopped_by]:
                parts.append(why)
        if self.begun is not None and self.begun.dropped:
            parts.append(f"the {self.begun.dropped} oldest turns no longer fit and were left out")
        return ", ".join(parts)


@dataclass
class Exchange:
    """A prompt and the answers to it."""

    number: int
    prompt: str
    sampling: Sampling
    form: Form
    answers: dict[Side, Answer] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """True once every side has answered."""
        return all(answer.ended for answer in self.answers.values())


class Conversation:
    """Makes what is asked, and takes in what is answered.

    Attributes:
        ready: what the worker said of the model, None before.
        doing: what is being done before that.
        sampling: how the next answers are drawn.
        form: how the next prompt is written.
        system: a system turn before all others; empty for none.
    """

    def __init__(self) -> None:
        self.ready: Ready | None = None
        self.doing = ""
        self.sampling = Sampling()
        self.form: Form = "chat"
        self.system = ""
        self.exchanges: list[Exchange] = []
        self._met = False
        self._numbers = itertools.count(1)

    @property
    def two_sided(self) -> bool:
        """True where there is an adapter, so that it matters who answers."""
        return self.ready is not None and len(self.ready.sides) > 1

    @property
    def answering(self) -> bool:
        """True while an answer is under way."""
        return bool(self.exchanges) and not self.exchanges[-1].ended

    def take(self, body: bytes) -> None:
        """Take in what the worker said; what belongs to no open answer is left out."""
        said = spoken.to_front(body)
        match said:
            case spoken.Loading():
                self.doing = said.what
            case Ready():
                if not self._met:  # a worker that was started again finds what a person has set since
                    self.sampling, self.form, self._met = said.sampling, said.form, True
                self.ready = said
            case spoken.Begun() | spoken.Piece() | spoken.Done() | spoken.Refused():
                self._answered(said)

    def _answered(self, said: spoken.Begun | spoken.Piece | spoken.Done | spoken.Refused) -> None:
        found = next((e for e in reversed(self.exchanges) if e.number == said.number), None)
        answer = found.answers.get(said.side) if found is not None else None
        if answer is None:
            return
        match said:
            case spoken.Begun():
                answer.begun = said
            case spoken.Piece():
                answer.text += said.text
            case spoken.Done():
                answer.done, answer.text = said, said.text
            case spoken.Refused():
                answer.problem = said.problem

    def ask(self, prompt: str, sides: tuple[Side, ...]) -> Ask:
        """Ask some sides; their earlier answers, each side its own, are told with the prompt."""
        exchange = Exchange(next(self._numbers), prompt, self.sampling, self.form)
        exchange.answers = {side: Answer() for side in sides}
        turns = {side: [*self.turns(side), Turn("user", prompt)] for side in sides}
        self.exchanges.append(exchange)
        return Ask(number=exchange.number, turns=turns, sampling=self.sampling, form=self.form)

    def again(self, sides: tuple[Side, ...]) -> Ask | None:
        """Ask the last prompt once more, None before the first; drawn tokens get the next seed."""
        last = self.forget_last()
        return None if last is None else self.ask(last.prompt, sides)

    def forget_last(self) -> Exchange | None:
        """Take the last exchange back; where tokens are drawn, the next answer gets the next seed."""
        if not self.exchanges:
            return None
        last = self.exchanges.pop()
        if self.sampling.temperature > 0:
            self.sampling = msgspec.structs.replace(self.sampling, seed=last.sampling.seed + 1)
        return last

    def turns(self, side: Side) -> list[Turn]:
        """The conversation as one side knows it."""
        found = [Turn("system", self.system)] if self.system else []
        for exchange in self.exchanges:
            answer = exchange.answers.get(side)
            if answer is not None and answer.done is not None:
                found += [Turn("user", exchange.prompt), Turn("assistant", answer.text.strip())]
        return found

    def broken(self, problem: dict[str, str]) -> None:
        """The worker has gone: what was under way will not be answered."""
        self.ready = None
        for exchange in self.exchanges:
            for answer in exchange.answers.values():
                if not answer.ended:
                    answer.problem = problem

    def reset(self) -> None:
        """Forget what was said."""
        self.exchanges = []

    def transcript(self, side: Side) -> list[bytes]:
        """Lines of JSON that can be trained on: a conversation, or a prompt and completion each."""
        if self.form == "chat":
            turns = self.turns(side)
            return [msgspec.json.encode({"messages": turns}) + b"\n"] if turns else []
        return [
            msgspec.json.encode({"prompt": exchange.prompt, "completion": answer.text}) + b"\n"
            for exchange in self.exchanges
            if (answer := exchange.answers.get(side)) is not None and answer.done is not None
        ]

    def about(self) -> list[str]:
        """How the model stands and prompts are written, in a few words each."""
        ready = self.ready
        if ready is None:
            return []
        parts = [one_line(ready.device), ready.dtype]
        if ready.context is not None:
            parts.append(f"context {ready.context:,}")
        return [*parts, self.written()]

    def written(self) -> str:
        """How a prompt is written, and whether training wrote it so."""
        ready = self.ready
        assert ready is not None
        if self.form == "verbatim":
            words = "prompts go in as typed, each by itself"
        else:
            words = "chat template" if ready.template else "### Instruction / ### Response"
        if ready.trained is None:
            return words
        return f"{words}, as in training" if ready.trained == self.form else f"{words}, unlike training"


def company(ready: Ready, rows: Iterable[RunRow]) -> str:
    """Which run computes beside the chat, and what that means for it; empty where none does."""
    row = next((row for row in rows if row.status not in (*ENDED, "queued")), None)
    if row is None:
        return ""
    run = f"run {one_line(row.run)}, {one_line(row.name, 40)},"
    if ready.device == "cpu" and row.device not in ("", "cpu"):
        return f"on the CPU, because {run} holds {row.device}"
    return f"{run} works on this machine too; both get slower"
