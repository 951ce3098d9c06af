"""A conversation over the line to its worker, printed as it comes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from engine.chat import spoken
from engine.chat.spoken import Side, Spec
from engine.messages import RunRow
from engine.problem import WORK_FAILED, Problem
from engine.text import one_line
from openlora_tui.cli.session import Talk
from openlora_tui.conversation import Conversation, Exchange, company


class Chat:
    """What the command says to the worker, and prints of what comes back.

    Attributes:
        sides: who answers, one after the other.
        interrupted: True where ctrl+c ended the last answer.
    """

    def __init__(self, talk: Talk, sides: tuple[Side, ...]) -> None:
        self.conversation = Conversation()
        self.sides = sides
        self.interrupted = False
        self._talk = talk
        self._bodies = talk.bodies()

    def load(self) -> None:
        """Wait until the model is ready."""
        while self.conversation.ready is None:
            self._take()

    def introduce(self, spec: Spec, rows: Sequence[RunRow]) -> None:
        """Say who answers, where, and how prompts are written."""
        ready = self.conversation.ready
        assert ready is not None
        adapter = f" + {ready.adapter}" if ready.adapter else ""
        tell(f"{one_line(spec.name)}: {one_line(ready.model + adapter)}")
        tell(", ".join(self.conversation.about()))
        tell(ready.note or company(ready, rows))

    def answer(self, prompt: str, *, show: bool, again: bool = False) -> Exchange:
        """Let the sides answer, one after the other so that each prints whole; prints if `show`.

        ctrl+c ends the answer, and what was said by then stays; a second one leaves.

        Raises:
            Problem: the prompt cannot be answered.
        """
        if again:
            self.conversation.forget_last()
        first: Exchange | None = None
        with self._stoppable():
            for side in self.sides:
                ask = self.conversation.ask(prompt, (side,))
                exchange = self.conversation.exchanges[-1]
                self._talk.tell(spoken.encode(ask))
                self._follow(exchange, side, show=show)
                if first is None:
                    first = exchange
                else:
                    first.answers |= self.conversation.exchanges.pop().answers
                if self.interrupted:
                    break
        assert first is not None
        return first

    def _follow(self, exchange: Exchange, side: Side, *, show: bool) -> None:
        answer, said = exchange.answers[side], 0
        if show and len(self.sides) > 1:
            print(f"[{side}]", flush=True)
        while True:
            ended = answer.ended
            fresh = answer.text[said:] if said else answer.text.lstrip()
            if show and fresh:
                said = len(answer.text)
                print(fresh, end="", flush=True)
            if ended:
                break
            self._take()
        if answer.problem is not None:
            raise Problem(**answer.problem, exit_status=WORK_FAILED)
        if show:
            print(flush=True)
            tell(f"({answer.remark})" if sys.stderr.isatty() else "")

    def _take(self) -> None:
        body = next(self._bodies, None)
        if body is None:
            raise Problem("The chat ended by itself.", do="Begin again.", exit_status=WORK_FAILED)
        self.conversation.take(body)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        self.interrupted = False

        def stop(number: int, frame: FrameType | None) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True
            self._talk.tell(spoken.encode(spoken.Stop()))

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def tell(text: str) -> None:
    """A line for people, beside the answers."""
    if text:
        print(text, file=sys.stderr, flush=True)
