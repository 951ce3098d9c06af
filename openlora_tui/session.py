"""What the app knows of the engine: runs, the machine and the watched run, folded from its messages."""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from engine import messages as ms
from engine.findings import Patch
from engine.lessons.lesson import Lesson
from engine.remarks import Remark
from engine.run_row import row_of
from engine.run_state import ENDED, RunState, fold
from openlora_tui.engine_link import EngineLink

Change = Literal["link", "rows", "machine", "run", "status", "side"]
Answer = Callable[[ms.Accepted | ms.Refused], None]
Hears = Callable[[bytes], None]
Ends = Callable[[dict[str, str] | None], None]

# Seconds of folding in one go: the rest waits for the next tick, so that keys are answered.
_BUDGET: Final = 0.03
# Runs whose lessons the app looks at: what is older says little of the next run.
_LESSONS: Final = 1000
# Seconds after which a trouble with the engine is told: the next engine is mostly there sooner.
_LASTING: Final = 2.0


class Session:
    """Drains a link without ever blocking; the screens read its fields and never change them."""

    def __init__(self) -> None:
        self.link: EngineLink | None = None
        self.trouble = "The engine is being started."
        self.rows: dict[str, ms.RunRow] = {}
        self.total = 0
        self.listed = False
        """True once the engine has said which runs there are."""
        self.welcome: ms.Welcome | None = None
        self._notes: dict[str, bool] = {}
        self.machine: ms.Machine | None = None
        self.watched = ""
        self.state: RunState | None = None
        self._waiting: deque[ms.ToFront] = deque()
        self._answers: dict[str, Answer] = {}
        self._glances: dict[str, list[Callable[[RunState], None]]] = {}
        self._recalls: dict[str, Callable[[ms.Lessons], None]] = {}
        self._talks: dict[str, Talk] = {}
        self._numbers = itertools.count(1)
        self._was_connected = False
        self._troubled = math.inf
        """Since when there is trouble, on the monotonic clock; infinite once it was told."""

    @property
    def connected(self) -> bool:
        """True while requests would be heard."""
        return self.link is not None and self.link.connected

    @property
    def live(self) -> list[ms.RunRow]:
        """Runs that have not ended, newest first."""
        return [row for row in self.rows.values() if row.status not in ENDED]

    @property
    def working(self) -> bool:
        """True while something goes on whose clock a screen may show."""
        return bool(self._talks) or any(row.status not in ENDED for row in self.rows.values())

    def newest_first(self) -> list[ms.RunRow]:
        """All known runs, by their numbers: the clock may have been set between two of them."""
        return sorted(self.rows.values(), key=_age, reverse=True)

    def queue(self) -> dict[str, int]:
        """The places of the runs that wait, from 1; empty unless there are two to tell apart."""
        waiting = [row for row in self.rows.values() if row.status == "queued"]
        waiting.sort(key=lambda row: (row.place, row.created))
        return {row.run: at for at, row in enumerate(waiting, 1)} if len(waiting) > 1 else {}

    def open(self, link: EngineLink) -> None:
        """Begin to talk over `link`."""
        self.link = link
        link.start()

    def watch(self, run: str) -> None:
        """Follow one run; the one before is let go."""
        if run == self.watched:
            return
        if self.watched and self.link is not None:
            self.link.send(ms.Unwatch(front=self.link.front, run=self.watched))
        self.watched, self.state = run, None
        self._ask_watch()

    def glance(self, run: str, then: Callable[[RunState], None]) -> None:
        """Give `then` the state of a run as it stands; of one that is not watched nothing more is heard."""
        if run == self.watched and self.state is not None:
            then(self.state)
        elif self.link is not None:
            self._glances.setdefault(run, []).append(then)
            self.link.send(ms.Watch(front=self.link.front, run=run))

    def recall(self, then: Callable[[list[Lesson]], None]) -> None:
        """Give `then` what the newest runs that have ended taught, the newest first."""
        self._recall([], then)

    def _recall(self, known: list[Lesson], then: Callable[[list[Lesson]], None]) -> None:
        if self.link is None:
            return

        def told(page: ms.Lessons) -> None:
            found = [*known, *page.lessons]
            if page.lessons and len(found) < min(page.total, _LESSONS):
                self._recall(found, then)
            else:
                then(found)

        request = f"{self.link.front}-{next(self._numbers)}"
        self._recalls[request] = told
        self.link.send(ms.ListLessons(front=self.link.front, request=request, skip=len(known)))

    def remark(self, run: str, remark: Remark, answer: Answer) -> None:
        """Have what someone says of a run written among its events."""
        self._request(
            lambda front, request: ms.Act(
                front=front, request=request, run=run, verb="remark", remark=remark
            ),
            answer,
        )

    def act(
        self,
        run: str,
        verb: ms.Verb,
        answer: Answer,
        settings: dict[str, str] | None = None,
        patch: Patch | None = None,
    ) -> None:
        """Ask the engine to do something with a run.

        Args:
            settings: recipe fields to resume it with.
            patch: what a retry is to change.
        """
        context = _context() if verb in ("resume", "retry") else None
        self._request(
            lambda front, request: ms.Act(
                front=front,
                request=request,
                run=run,
                verb=verb,
                context=context,
                settings=settings or {},
                patch=patch,
            ),
            answer,
        )

    def retry(self, run: str, patch: Patch | None, answer: Answer) -> None:
        """Ask for a linked run that begins where this one was last good, with `patch`; Accepted names it."""
        context = _context()
        self._request(
            lambda front, request: ms.Act(
                front=front, request=request, run=run, verb="retry", context=context, patch=patch
            ),
            answer,
        )

    def submit(self, name: str, recipe: str, answer: Answer) -> None:
        """Ask the engine to queue a run."""
        context = _context()
        self._request(
            lambda front, request: ms.Submit(
                front=front, request=request, name=name, recipe=recipe, context=context
            ),
            answer,
        )

    def begin(self, job: ms.SideJob, spec: bytes, said: Hears, ended: Ends) -> Talk:
        """Start a side job; `said` gets its bodies, `ended` its problem, None where it just ended."""
        talk = Talk(self, said, ended)
        context = _context()

        def answer(reply: ms.Accepted | ms.Refused) -> None:
            if isinstance(reply, ms.Refused):
                talk.over(reply.problem)
            else:
                talk.started(reply.run)
                self._talks[reply.run] = talk

        self._request(
            lambda front, request: ms.Begin(
                front=front, request=request, job=job, spec=spec, context=context
            ),
            answer,
        )
        return talk

    def send(self, make: Callable[[str], ms.Message]) -> None:
        """Send a message that needs no answer; `make` is given this front end's name."""
        if self.link is not None:
            self.link.send(make(self.link.front))

    def untold_notes(self) -> list[str]:
        """What the engine noted when it opened its store, each once."""
        fresh = [note for note, told in self._notes.items() if not told]
        self._notes = dict.fromkeys(self._notes, True)
        return fresh

    def drain(self) -> set[Change]:
        """Take in what has come, within a budget of time, and say what has changed."""
        changes: set[Change] = set()
        if self.link is None:
            return changes
        trouble = "" if self.link.connected else self.link.trouble or "The engine is being started."
        if trouble != self.trouble or self._was_connected != self.link.connected:
            self.trouble, self._was_connected = trouble, self.link.connected
            self._troubled = time.monotonic()
            changes.add("link")
        if self.trouble and self.welcome is not None and time.monotonic() - self._troubled > _LASTING:
            self._notes[self.trouble], self._troubled = False, math.inf
        self._waiting.extend(self.link.receive())
        end = time.monotonic() + _BUDGET
        while self._waiting and time.monotonic() < end:
            changes |= self._take(self._waiting.popleft())
        return changes

    def _request(self, make: Callable[[str, str], ms.Message], answer: Answer) -> None:
        if self.link is None:
            return
        request = f"{self.link.front}-{next(self._numbers)}"
        self._answers[request] = answer
        self.link.send(make(self.link.front, request))

    def _give_up(self) -> None:
        """Answer what the engine before this one left open: a request must not vanish without a word."""
        problem = {"what": "The engine ended before it answered.", "do": "Look at the run, then try again."}
        talks, self._talks = self._talks, {}
        for talk in talks.values():
            talk.over(problem)
        left, self._answers = self._answers, {}
        for request, answer in left.items():
            answer(ms.Refused(request=request, problem=problem))

    def _ask_watch(self) -> None:
        if self.link is not None and self.watched:
            self.link.send(ms.Watch(front=self.link.front, run=self.watched))

    def _take(self, message: ms.ToFront) -> set[Change]:
        match message:
            case ms.Happened():
                return self._happened(message)
            case ms.Runs():
                return self._runs(message)
            case ms.Measured():
                self.machine = message.machine
                return {"machine"}
            case ms.Snapshot():
                self._glanced(message)
                if message.run != self.watched:
                    return set()
                self.state = message.state
                return {"run", "status"}
            case ms.Welcome():
                self.welcome = message
                notes = [*message.notes, *_of_versions(message)]
                self._notes = dict.fromkeys(notes, False) | self._notes
                self._ask_watch()
                self._give_up()
                return {"link"}
            case ms.Noted():
                self._notes |= dict.fromkeys(message.notes, False)
                return {"link"}
            case ms.Accepted() | ms.Refused():
                answer = self._answers.pop(message.request, None)
                if answer is not None:
                    answer(message)
                return set()
            case ms.Lessons():
                then = self._recalls.pop(message.request, None)
                if then is not None:
                    then(message)
                return set()
            case ms.Said():
                if message.side in self._talks:
                    self._talks[message.side].said(message.body)
                return {"side"}
            case ms.Ended():
                talk = self._talks.pop(message.side, None)
                if talk is not None:
                    talk.over(message.problem)
                return {"side"}

    def _glanced(self, message: ms.Snapshot) -> None:
        waiting = self._glances.pop(message.run, [])
        for then in waiting:
            then(message.state)
        if waiting and message.run != self.watched and self.link is not None:
            self.link.send(ms.Unwatch(front=self.link.front, run=message.run))

    def _runs(self, message: ms.Runs) -> set[Change]:
        if message.whole:
            self.rows, self.listed = {}, True
        self.rows |= {row.run: row for row in message.rows}
        for run in message.gone:
            self.rows.pop(run, None)
        self.total = max(message.total, len(self.rows))
        return {"rows"}

    def _happened(self, message: ms.Happened) -> set[Change]:
        if message.run != self.watched or self.state is None:
            return set()
        if message.number != self.state.events:
            self.state = None
            self._ask_watch()
            return set()
        before = (self.state.status, self.state.phase)
        fold(message.lines, self.state)
        after = (self.state.status, self.state.phase)
        if before == after:
            return {"run"}
        self._keep_row(self.state)
        return {"run", "status", "rows"}

    def _keep_row(self, state: RunState) -> None:
        """Events come before the list does: what a key may do now goes by the newest that is known."""
        row = self.rows.get(state.run)
        if row is not None:
            self.rows[state.run] = msgspec.structs.replace(row_of(state), silent=row.silent)


class Talk:
    """A conversation with a side job, from the first word, which may wait until the job has begun."""

    def __init__(self, session: Session, said: Hears, ended: Ends) -> None:
        self.said = said
        self.live = True
        """False once it has ended, whoever ended it."""
        self._session = session
        self._ended = ended
        self._side = ""
        self._waiting: list[bytes] = []

    def tell(self, body: bytes) -> None:
        """Send `body` to the job."""
        if not self._side:
            self._waiting.append(body)
        elif self.live:
            side = self._side
            self._session.send(lambda front: ms.Tell(front=front, side=side, body=body))

    def end(self) -> None:
        """The job is not wanted any more; nothing more is heard of it."""
        self.said, self._ended, self.live = _nothing, _nothing, False
        if self._side:
            side = self._side
            self._session.send(lambda front: ms.End(front=front, side=side))

    def started(self, side: str) -> None:
        """The engine has given the job a name."""
        self._side = side
        if not self.live:
            self.end()
            return
        for body in self._waiting:
            self.tell(body)
        self._waiting = []

    def over(self, problem: dict[str, str] | None) -> None:
        """The job has ended."""
        self.live = False
        self._ended(problem)


def _age(row: ms.RunRow) -> tuple[int, float, str]:
    return int(row.run) if row.run.isdigit() else 0, row.created, row.run


def _nothing(_: object) -> None:
    return


def _of_versions(welcome: ms.Welcome) -> list[str]:
    # Imported on use: nothing before the first paint needs it.
    from engine.client.skew import difference

    return [said] if (said := difference(welcome)) else []


def _context() -> ms.JobContext:
    # Imported on use: nothing before the first paint needs it.
    from engine.client.context import job_context

    return job_context()
