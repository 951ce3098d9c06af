"""The advisor's side job: answers one question after another, by the model where there is one, else by rules.

It never imports torch or llama.cpp: the model lives in a process of its own, and whatever becomes of that
one, an answer comes.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from engine import paths
from engine.advisor.answer import answer
from engine.line import Line
from engine.local_model import proposal, talk
from engine.local_model.gather import Gathered, Gatherer
from engine.local_model.talk import Answer, Failed, Question
from engine.problem import Problem

_WAIT: Final = 0.5
"""Seconds that a look for the next question takes."""


def serve(spec: bytes, line: Line) -> None:
    """Answer what is asked until the front end has gone.

    Raises:
        Gone: the front end left.
    """
    Advisor(talk.spec(spec), line).serve()


class Advisor:
    """One front end's advisor."""

    def __init__(self, spec: talk.Spec, line: Line) -> None:
        self._line = line
        self._waiting: deque[talk.ToWorker] = deque()
        self._gatherer = Gatherer(paths.home())

    def serve(self) -> None:
        """Answer until the front end has gone."""
        self._say(talk.Ready())
        while True:
            said = self._waiting.popleft() if self._waiting else self._heard(_WAIT)
            if isinstance(said, Question):
                self._answer(said)

    def _answer(self, question: Question) -> None:
        try:
            gathered = self._gatherer.gather(question)
        except Problem as problem:
            self._say(Failed(number=question.number, problem=problem.as_dict()))
            return
        self._say(by_rules(question, gathered))

    def _say(self, said: talk.ToFront) -> None:
        self._line.say(talk.encode(said))

    def _heard(self, seconds: float) -> talk.ToWorker | None:
        body = self._line.hear(seconds)
        return None if body is None else talk.to_worker(body)


def by_rules(question: Question, gathered: Gathered, note: str = "") -> Answer:
    """The rules' answer; `note` says why it is theirs."""
    told = answer(question.text, gathered.known)
    return Answer(
        number=question.number,
        text=told.text,
        by="rules",
        cites=told.cites,
        proposal=proposal.of_patch(told.patch, told.cites, gathered.recipe, question.lessons),
        note=note,
    )
