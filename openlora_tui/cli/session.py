"""A command's conversation with the engine: asks, waits for the answer, follows a run."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from engine import bus
from engine import messages as m
from engine.client import silence
from engine.client.context import job_context
from engine.client.link import Link
from engine.client.skew import difference, speaks_otherwise
from engine.event_log import EventReader
from engine.lessons.lesson import Lesson
from engine.problem import WORK_FAILED, Problem
from engine.recipe import RecipeFile, absolute_text
from engine.remarks import Remark
from engine.run_dir import RunDir, is_run
from engine.run_state import RunState, fold
from engine.text import one_line

_PATIENCE: Final = 40.0
_TICK: Final = 0.05
_SOON: Final = 0.01
_ALL: Final = 100_000
_Question = m.ListRuns | m.ListLessons | m.Watch
_M = TypeVar("_M", bound=m.ToFront)


class Session:
    """An attached engine, for as long as one command needs it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._link = Link(root)
        self._told = False
        self._of_sides: list[m.ToFront] = []
        """What side jobs said while an answer to something else was awaited."""

    def __enter__(self) -> Self:
        self._link.start()
        self.welcome = self._await(m.Welcome, lambda _: True)
        """The first one; another process id in a later one means another engine."""
        if speaks_otherwise(self.welcome):
            print(f"openlora: {difference(self.welcome)}", file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._link.close()

    @property
    def front(self) -> str:
        """The name under which the engine knows this command."""
        return self._link.front

    def ask(self, message: m.Submit | m.Act | m.Begin | m.Learn | m.Forget) -> m.Accepted:
        """Send a request and wait for its answer.

        Raises:
            Problem: with the engine's words where it refuses.
        """
        self._hear_earlier()
        self._link.send(message)
        try:
            return self._await(m.Accepted, lambda came: came.request == message.request, message.request)
        except Problem as problem:
            if not isinstance(message, m.Act) and self.welcome.version not in problem.why:
                problem.why = f"{problem.why} {difference(self.welcome)}".strip()
            raise

    def submit(self, recipe: RecipeFile, *, hold: bool = False) -> str:
        """Queue a recipe, with this process's surroundings, and return the run's id."""
        submit = m.Submit(
            front=self.front,
            request=new_request(),
            name=recipe.name,
            recipe=absolute_text(recipe),
            context=job_context(),
            hold=hold,
        )
        return self.ask(submit).run

    def remark(self, run: str, remark: Remark) -> m.Accepted:
        """Have what someone says of a run written among its events."""
        asked = m.Act(front=self.front, request=new_request(), run=run, verb="remark", remark=remark)
        return self.ask(asked)

    def act(
        self,
        run: str,
        verb: m.Verb,
        context: m.JobContext | None = None,
        settings: dict[str, str] | None = None,
    ) -> m.Accepted:
        """Ask for something to be done with a run; `settings` are recipe fields to resume it with."""
        if settings and (said := difference(self.welcome)):
            # An engine that does not know the field passes over it.
            print(f"openlora: {said} See whether it took the settings.", file=sys.stderr)
        return self.ask(
            m.Act(
                front=self.front,
                request=new_request(),
                run=run,
                verb=verb,
                context=context,
                settings=settings or {},
            )
        )

    @contextmanager
    def begin(self, job: m.SideJob, spec: bytes) -> Iterator[Talk]:
        """Start a side job, and end it with the body.

        Raises:
            Problem: the job cannot be started.
        """
        begin = m.Begin(front=self.front, request=new_request(), job=job, spec=spec, context=job_context())
        talk = Talk(self, self.ask(begin).run)
        try:
            yield talk
        finally:
            talk.end()

    def rows(self, limit: int = _ALL) -> list[m.RunRow]:
        """The newest runs, newest first."""
        request = new_request()
        asked = m.ListRuns(front=self.front, request=request, limit=limit)
        return self._read(asked, m.Runs, lambda runs: runs.request == request).rows

    def lessons(self, most: int = _ALL) -> list[Lesson]:
        """What the runs that have ended taught, the newest first."""
        found: list[Lesson] = []
        while len(found) < most:
            page = self._page(len(found))
            found += page.lessons
            if not page.lessons or len(found) >= page.total:
                break
        return found[:most]

    def _page(self, skip: int) -> m.Lessons:
        request = new_request()
        asked = m.ListLessons(front=self.front, request=request, skip=skip)
        return self._read(asked, m.Lessons, lambda told: told.request == request)

    def state(self, run: str) -> RunState:
        """The state of one run."""
        asked = m.Watch(front=self.front, run=run)
        state = self._read(asked, m.Snapshot, lambda came: came.run == run).state
        self._link.send(m.Unwatch(front=self.front, run=run))
        return state

    def named(self, word: str) -> str:
        """The id of the run that `word` means: an id, a name, or `last`.

        Raises:
            Problem: where no run is called that.
        """
        if is_run(word):
            return word
        for row in self.rows():
            if word in ("last", row.name):
                return row.run
        raise Problem(f"There is no run called {one_line(word, 200)!r}.", do="`openlora runs` lists them.")

    def follow(self, run: str, state: RunState) -> Iterator[list[bytes]]:
        """New lines of the run's events, folded into `state`, about 20 times a second and for ever.

        The lines are read from the run's own file, so that none is missed when the engine dies;
        the line to the engine stays up beside it, because an engine has to bury a dead worker.
        """
        for lines in follow(RunDir(Path(self.welcome.home), run), state):
            yield lines
            self._check()
            self._tell_notes(self._link.receive())

    def tell(self, message: m.Tell | m.End) -> None:
        """Send a message that needs no answer."""
        self._link.send(message)

    def heard(self) -> list[m.ToFront]:
        """What has come since the last look; raises Problem where the engine cannot be reached at all."""
        self._check()
        kept, self._of_sides = self._of_sides, []
        return kept + self._link.receive()

    def _read(self, asked: _Question, kind: type[_M], fits: Callable[[_M], bool]) -> _M:
        """The answer to a question that changes nothing: the next engine is asked again."""
        while True:
            self._link.send(asked)
            try:
                return self._await(kind, fits, getattr(asked, "request", ""))
            except _AnotherEngine as another:
                self.welcome = another.welcome

    def _hear_earlier(self) -> None:
        """Take what came before a question is put: the greeting of a next engine is no answer to it."""
        came = self._link.receive()
        self._tell_notes(came)
        self._of_sides += [message for message in came if isinstance(message, m.Said | m.Ended)]
        for message in came:
            if isinstance(message, m.Welcome):
                self.welcome = message

    def _await(self, kind: type[_M], fits: Callable[[_M], bool], request: str = "") -> _M:
        """The message that fits; what side jobs say meanwhile is kept for `heard`.

        Raises:
            Problem: the engine refused the request, ended, or did not answer.
        """
        began = time.monotonic()
        while (waited := time.monotonic() - began) < _PATIENCE:
            came = self._link.receive()
            self._tell_notes(came)
            self._of_sides += [message for message in came if isinstance(message, m.Said | m.Ended)]
            for message in came:
                if isinstance(message, kind) and fits(message):
                    return message
                if isinstance(message, m.Refused) and message.request == request:
                    raise Problem(**message.problem, exit_status=message.exit_status)
                if isinstance(message, m.Welcome) and message.pid != self.welcome.pid:
                    raise _AnotherEngine(message)
            self._check()
            self._told = self._told or (waited > bus.PATIENCE and self._tell())
            time.sleep(_SOON)
        raise self._silent()

    def _tell(self) -> bool:
        """Say what is waited for, once."""
        print(f"openlora: {self._trouble()} Waiting for it.", file=sys.stderr, flush=True)
        return True

    def _trouble(self) -> str:
        if not self._link.connected:
            return self._link.trouble or "The engine is being started."
        return silence.why_silent(bus.engine_pid(self._root))

    def _tell_notes(self, came: list[m.ToFront]) -> None:
        for message in came:
            for note in message.notes if isinstance(message, m.Noted) else []:
                print(f"note: {one_line(note)}", file=sys.stderr)

    def _check(self) -> None:
        if self._link.problem is not None:
            raise self._link.problem

    def _silent(self) -> Problem:
        return Problem(
            f"The engine did not answer in {_PATIENCE:.0f} s.",
            why=self._trouble(),
            do="`openlora engine` shows it; `openlora doctor` checks this machine.",
            exit_status=WORK_FAILED,
        )


class Talk:
    """A conversation with a side job."""

    def __init__(self, session: Session, side: str) -> None:
        self._session = session
        self._side = side

    def tell(self, body: bytes) -> None:
        """Send `body` to the job."""
        self._session.tell(m.Tell(front=self._session.front, side=self._side, body=body))

    def end(self) -> None:
        """The job is not wanted any more."""
        self._session.tell(m.End(front=self._session.front, side=self._side))

    def bodies(self) -> Iterator[bytes]:
        """What the job says, until it ends by itself.

        Raises:
            Problem: the job failed, or the engine went away.
        """
        while True:
            for message in self._session.heard():
                if isinstance(message, m.Welcome):
                    raise _ended("what was begun was done")
                if isinstance(message, m.Said) and message.side == self._side:
                    yield message.body
                if isinstance(message, m.Ended) and message.side == self._side:
                    if message.problem is not None:
                        raise Problem(**message.problem, exit_status=message.exit_status)
                    return
            time.sleep(_TICK)


def _ended(before: str) -> Problem:
    return Problem(
        f"The engine ended before {before}.",
        do="`openlora runs` shows what became of your runs; then try again.",
        exit_status=WORK_FAILED,
    )


class _AnotherEngine(Problem):
    """The engine that was asked has ended, and this is the next one's greeting."""

    def __init__(self, welcome: m.Welcome) -> None:
        problem = _ended("it answered")
        super().__init__(problem.what, do=problem.do, exit_status=problem.exit_status)
        self.welcome = welcome


def new_request() -> str:
    """A name for a request, by which its answer is known."""
    return uuid.uuid4().hex


def follow(directory: RunDir, state: RunState) -> Iterator[list[bytes]]:
    """New lines of a run's events after `state`, folded into it, about 20 times a second and for ever."""
    reader = EventReader(directory.events, state.offset)
    while True:
        lines = reader.read()
        fold(lines, state)
        state.offset = reader.offset
        yield lines
        if not lines:
            time.sleep(_TICK)
