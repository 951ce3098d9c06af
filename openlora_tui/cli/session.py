"""A command's conversation with the engine: asks, waits for the answer, follows a run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from engine import messages as m
from engine.client.link import Link
from engine.problem import WORK_FAILED, Problem
from engine.run_state import RunState, fold

_PATIENCE: Final = 40.0
_TICK: Final = 0.05
_ALL: Final = 100_000
_M = TypeVar("_M", bound=m.ToFront)


class Session:
    """An attached engine, for as long as one command needs it."""

    def __init__(self, root: Path) -> None:
        self._link = Link(root)
        self._came: list[m.ToFront] = []
        self._watched: str | None = None

    def __enter__(self) -> Self:
        self._link.start()
        self.welcome = self._await(m.Welcome, lambda _: True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._link.close()

    @property
    def front(self) -> str:
        """The name under which the engine knows this command."""
        return self._link.front

    def ask(self, message: m.Submit | m.Act) -> m.Accepted:
        """Send a request and wait for its answer.

        Raises:
            Problem: with the engine's words where it refuses.
        """
        self._link.send(message)
        answer = self._answer(message.request)
        if isinstance(answer, m.Refused):
            raise Problem(**answer.problem, exit_status=answer.exit_status)
        return answer

    def send(self, message: m.Message) -> None:
        """Send without waiting."""
        self._link.send(message)

    def act(self, run: str, verb: m.Verb, context: m.JobContext | None = None) -> m.Accepted:
        """Ask for something to be done with a run."""
        return self.ask(m.Act(front=self.front, request=new_request(), run=run, verb=verb, context=context))

    def rows(self, limit: int = _ALL) -> list[m.RunRow]:
        """The newest runs, newest first."""
        request = new_request()
        self._link.send(m.ListRuns(front=self.front, request=request, limit=limit))
        return self._await(m.Runs, lambda runs: runs.request == request).rows

    def state(self, run: str) -> RunState:
        """The state of one run."""
        self._link.send(m.Watch(front=self.front, run=run))
        state = self._await(m.Snapshot, lambda s: s.run == run).state
        self._link.send(m.Unwatch(front=self.front, run=run))
        return state

    def named(self, word: str) -> str:
        """The id of the run that `word` means: an id, a name, or `last`.

        Raises:
            Problem: where no run is called that.
        """
        if word.isdigit():
            return word
        for row in self.rows():
            if word in ("last", row.name):
                return row.run
        raise Problem(f"There is no run called {word!r}.", do="`openlora runs` lists them.")

    def follow(self, run: str) -> Iterator[tuple[RunState, list[bytes]]]:
        """The run's state, first as it is and then after each batch of new events, for ever.

        Yields about 20 times a second, with no lines where nothing happened. An engine that
        dies is started again and nothing is missed.
        """
        self._link.send(m.Watch(front=self.front, run=run))
        state: RunState | None = None
        while True:
            lines: list[bytes] = []
            for message in self._take():
                match message:
                    case m.Welcome():
                        self._link.send(m.Watch(front=self.front, run=run))
                    case m.Snapshot() if message.run == run and state is None:
                        state = message.state
                    case m.Snapshot() if message.run == run:
                        state = self._behind(state, message.state)
                    case m.Happened() if message.run == run and state is not None:
                        lines += _new(state, message, self._rewatch)
            if state is not None:
                yield state, lines
            self._check()
            time.sleep(_TICK)

    def _rewatch(self, run: str) -> None:
        self._link.send(m.Watch(front=self.front, run=run))

    def _behind(self, mine: RunState | None, theirs: RunState) -> RunState:
        # A new engine's snapshot may hold events that this command has not printed; the state is what counts.
        return theirs if mine is None or theirs.events >= mine.events else mine

    def _answer(self, request: str) -> m.Accepted | m.Refused:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            for message in self._take():
                if isinstance(message, m.Accepted | m.Refused) and message.request == request:
                    return message
            self._check()
            time.sleep(_TICK)
        raise self._silent()

    def _await(self, kind: type[_M], fits: Callable[[_M], bool]) -> _M:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            for message in self._take():
                if isinstance(message, m.Refused) and kind is m.Snapshot:
                    raise Problem(**message.problem, exit_status=message.exit_status)
                if isinstance(message, kind) and fits(message):
                    return message
            self._check()
            time.sleep(0.01)
        raise self._silent()

    def _take(self) -> list[m.ToFront]:
        return self._link.receive()

    def _check(self) -> None:
        if self._link.problem is not None:
            raise self._link.problem

    def _silent(self) -> Problem:
        return Problem(
            "The engine did not answer.",
            why=self._link.trouble,
            do="`openlora doctor` checks this machine.",
            exit_status=WORK_FAILED,
        )


def new_request() -> str:
    """A name for a request, by which its answer is known."""
    return uuid.uuid4().hex


def _new(state: RunState, message: m.Happened, rewatch: Callable[[str], None]) -> list[bytes]:
    """Fold what is new into `state` and return it; a gap asks for the whole again."""
    known = state.events - message.number
    if known < 0:
        rewatch(message.run)
        return []
    lines = message.lines[known:]
    fold(lines, state)
    return lines
