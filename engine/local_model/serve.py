"""The advisor's side job: answers one question after another, by the model where there is one, else by rules.

It never imports torch or llama.cpp: the model lives in a process of its own, and whatever becomes of that
one, an answer comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from engine import paths
from engine.advisor.answer import answer
from engine.line import Line
from engine.llama.gguf import Gguf
from engine.local_model import proposal, talk
from engine.local_model.chosen import ready
from engine.local_model.gather import Gathered, Gatherer
from engine.local_model.spoken import Spoken
from engine.local_model.talk import Answer, Cancel, Failed, Question
from engine.local_model.voice import Silent, Voice
from engine.problem import Problem

_WAIT: Final = 0.5
"""Seconds that a look for the next question takes."""

MakeVoice = Callable[[Gguf, Path], Voice]


def serve(spec: bytes, line: Line, voice: MakeVoice = Voice) -> None:
    """Answer what is asked until the front end has gone.

    Raises:
        Gone: the front end left.
    """
    Advisor(talk.spec(spec), line, voice).serve()


class Advisor:
    """One front end's advisor."""

    def __init__(self, spec: talk.Spec, line: Line, voice: MakeVoice) -> None:
        self._line = line
        self._waiting: deque[talk.ToWorker] = deque()
        root = paths.home()
        self._gatherer = Gatherer(root)
        self._spoken: Spoken | None = None
        self._note = ""
        """Why the rules answer; empty where a person asked for that, or the model does."""
        if spec.rules:
            return
        try:
            self._spoken = Spoken(voice(ready(root, spec.model), root), self._say)
        except Problem as problem:
            self._note = f"{problem.what} {problem.do}".strip()

    def serve(self) -> None:
        """Answer until the front end has gone."""
        try:
            self._say(talk.Ready(model=self._spoken.name if self._spoken else "", note=self._note))
            while True:
                said = self._waiting.popleft() if self._waiting else self._heard(_WAIT)
                if isinstance(said, Question):
                    self._answer(said)
                elif self._spoken is not None:
                    self._spoken.rest()
        finally:
            if self._spoken is not None:
                self._spoken.close()

    def _answer(self, question: Question) -> None:
        try:
            gathered = self._gatherer.gather(question)
        except Problem as problem:
            self._say(Failed(number=question.number, problem=problem.as_dict()))
            return
        rules = by_rules(question, gathered)
        self._say(rules if self._spoken is None else self._by_model(question, gathered, rules))

    def _by_model(self, question: Question, gathered: Gathered, rules: Answer) -> Answer:
        """The model's answer, or the rules' with the reason why the model's is not there."""
        assert self._spoken is not None
        try:
            return self._spoken.answer(question, gathered, rules, self._stopped)
        except Silent as silence:
            name = self._spoken.name
            return msgspec.structs.replace(rules, note=f"The rules answer, not {name}: {silence}.")

    def _stopped(self) -> bool:
        """True once the question under way is not wanted any more."""
        body = self._heard(0)
        if isinstance(body, Question):
            self._waiting.append(body)
        return isinstance(body, Cancel) or bool(self._waiting)

    def _say(self, said: talk.ToFront) -> None:
        self._line.say(talk.encode(said))

    def _heard(self, seconds: float) -> talk.ToWorker | None:
        body = self._line.hear(seconds)
        return None if body is None else talk.to_worker(body)


def by_rules(question: Question, gathered: Gathered) -> Answer:
    """The rules' answer."""
    told = answer(question.text, gathered.known)
    return Answer(
        number=question.number,
        text=told.text,
        by="rules",
        cites=told.cites,
        proposal=proposal.of_patch(told.patch, told.cites, gathered.recipe, question.lessons),
    )
