"""The app's end of a talk with the advisor: what was asked, and what has been answered so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from engine.findings import Patch
from engine.local_model import talk
from engine.problem import Problem
from openlora_tui.session import Session, Talk

_KEPT: Final = 20
"""Questions that are shown; older ones go."""


class Exchange(msgspec.Struct, kw_only=True):
    """A question and what came of it."""

    question: talk.Question
    text: str = ""
    doing: str = ""
    """What is done before the first word."""
    answer: talk.Answer | None = None
    problem: dict[str, str] | None = None

    @property
    def ended(self) -> bool:
        """True where nothing more will come."""
        return self.answer is not None or self.problem is not None

    @property
    def patch(self) -> Patch | None:
        """The change that the answer proposes; the recipe's checks have passed it."""
        proposal = self.answer.proposal if self.answer is not None else None
        return proposal.patch if proposal is not None else None


class Asking:
    """One side job, begun with the first question and anew where it has gone; news call `changed`."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self.exchanges: list[Exchange] = []
        self.ready: talk.Ready | None = None
        """Who answers, and how to add a model where the rules answer alone; None while not known."""
        self._session = session
        self._changed = changed
        self._talk: Talk | None = None
        self._number = 0

    @property
    def answering(self) -> Exchange | None:
        """The question that is being answered."""
        last = self.exchanges[-1] if self.exchanges else None
        return last if last is not None and not last.ended else None

    @property
    def past(self) -> list[str]:
        """What was asked, the newest last."""
        return [exchange.question.text for exchange in self.exchanges]

    def begin(self) -> None:
        """Have someone there to answer."""
        if self._talk is None or not self._talk.live:
            self._talk = self._session.begin("advisor", talk.encode(talk.Spec()), self._said, self._ended)

    def ask(self, question: talk.Question) -> Exchange:
        """Ask; an answer that is under way ends first. The question gets its number here."""
        self.begin()
        self.cancel()
        self._number += 1
        exchange = Exchange(question=msgspec.structs.replace(question, number=self._number))
        self.exchanges = [*self.exchanges, exchange][-_KEPT:]
        assert self._talk is not None
        self._talk.tell(talk.encode(exchange.question))
        return exchange

    def cancel(self) -> None:
        """End the answer that is under way; what it has said so far stays."""
        if self.answering is not None and self._talk is not None and self._talk.live:
            self._talk.tell(talk.encode(talk.Cancel()))

    def end(self) -> None:
        """Let the side job go."""
        if self._talk is not None:
            self._talk.end()
        self._talk, self.ready = None, None

    def _said(self, body: bytes) -> None:
        match talk.to_front(body):
            case talk.Ready() as ready:
                self.ready = ready
            case talk.Loading(number=number, what=what, done=done, total=total):
                if (asked := self._of(number)) is not None:
                    asked.doing = f"{what} {done * 100 // total} %" if total else what
            case talk.Piece(number=number, text=text):
                if (asked := self._of(number)) is not None:
                    asked.text += text
            case talk.Answer() as answer:
                if (asked := self._of(answer.number)) is not None:
                    asked.answer, asked.text = answer, answer.text
            case talk.Failed(number=number, problem=problem):
                if (asked := self._of(number)) is not None:
                    asked.problem = problem
        self._changed()

    def _ended(self, problem: dict[str, str] | None) -> None:
        self._talk, self.ready = None, None
        gone = problem or Problem("The advisor's process has ended.", do="Ask again.").as_dict()
        for exchange in self.exchanges:
            if not exchange.ended:
                exchange.problem = gone
        self._changed()

    def _of(self, number: int) -> Exchange | None:
        return next((one for one in self.exchanges if one.question.number == number), None)
