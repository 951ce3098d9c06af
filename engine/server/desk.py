"""Answers the requests of front ends."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from engine import events as ev
from engine import faults, room
from engine import messages as m
from engine.client.context import job_context
from engine.client.skew import not_known
from engine.event_log import append
from engine.lessons.dismissals import About, put
from engine.lessons.kept import stub
from engine.lessons.learn import lesson_of
from engine.lineage import first_event
from engine.problem import WORK_FAILED, Problem
from engine.recipe.resuming import learning_rate_in, take_settings
from engine.recipe.yaml import parse
from engine.remarks import Dismissed, Remark
from engine.run_dir import RunDir, is_run, remember_deleted
from engine.run_row import row_of
from engine.run_state import RunState
from engine.server.floor import Floor
from engine.server.fronts import Front, Fronts
from engine.server.indexing import Indexing
from engine.server.live import LiveRun
from engine.server.queue import HELD, WAITS
from engine.server.repairs import Repairs
from engine.server.sides import Sides
from engine.server.troubles import Troubles
from engine.store import Store
from engine.text import one_line

_ROWS = 500
_LESSONS = 5.0
"""Seconds that the lessons of thousands of runs are waited for; those left out come the next time."""
_QUEUE = frozenset({"hold", "release", "sooner", "later", "pin"})


class Desk:
    """Where front ends are served."""

    def __init__(
        self,
        root: Path,
        store: Store,
        fronts: Fronts,
        floor: Floor,
        sides: Sides,
        indexing: Indexing,
        troubles: Troubles,
        repairs: Repairs,
    ) -> None:
        self._root = root
        self._store = store
        self._fronts = fronts
        self._floor = floor
        self._sides = sides
        self._indexing = indexing
        self._troubles = troubles
        self._repairs = repairs
        self._waiting: list[m.FromFront] = []
        """Requests about runs whose events are still being read, and for lessons that are being written."""
        self._asked: dict[str, float] = {}
        """When lessons were asked for that are still being written."""

    def answer(self, message: m.FromFront) -> None:
        """Do what the message asks; whatever goes wrong becomes an answer, never the engine's end."""
        request = getattr(message, "request", "")
        try:
            if not self._read(getattr(message, "run", "")):
                self._waiting.append(message)
                return
            self._dispatch(message)
        except Problem as problem:
            self._refuse(message.front, request, problem)
        except Exception as error:
            refused = room.refusal(error)
            if refused is not None:
                self._troubles.bear(refused)
                self._refuse(message.front, request, room.problem(refused, self._root))
                return
            logging.exception("a request failed: %s", type(message).__name__)
            self._refuse(message.front, request, _unexpected(self._root, error))

    def answer_waiting(self) -> None:
        """Answer what had to wait, as far as its runs have been read by now."""
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self.answer(message)

    def refuse_strange(self, strange: m.Strange) -> None:
        """Answer a message that only another version knows."""
        logging.warning("a message of no known kind: %s", strange)
        front = self._fronts.get(strange.front)
        if front is not None:
            self._refuse(front.name, strange.request, not_known(strange.wish, front.version))

    def send_runs(self, front: str, request: str = "", limit: int = _ROWS) -> None:
        """Send the newest runs, live ones as they are now."""
        live = self._floor.rows
        ended = [row for row in self._store.rows(limit) if row.run not in live]
        rows = sorted([*ended, *live.values()], key=lambda row: int(row.run), reverse=True)[:limit]
        total = max(self._store.count(), len(rows))
        self._fronts.send([front], m.Runs(rows=rows, whole=True, total=total, request=request))

    def catch_up(self, front: Front) -> None:
        """A front end lost messages: send everything that it watches anew."""
        if front.app:
            self.send_runs(front.name)
        for run in sorted(front.watched):
            self._snapshot(front.name, run)

    def _dispatch(self, message: m.FromFront) -> None:
        match message:
            case m.Bye():
                self._fronts.bye(message.front)
            case m.ListRuns():
                self.send_runs(message.front, message.request, message.limit)
            case m.ListLessons():
                self._tell_lessons(message)
            case m.Learn():
                self._store.take_in(message.lessons)
                self._accept(message.front, message.request, "", f"{len(message.lessons):,} were taken in")
            case m.Forget():
                self._store.forget_lessons(message.runs)
                self._accept(message.front, message.request, "", "forgotten")
            case m.Watch():
                self._watch(message)
            case m.Unwatch():
                front = self._fronts.get(message.front)
                if front is not None:
                    front.watched.discard(message.run)
            case m.Submit():
                self._submit(message)
            case m.Act():
                self._act(message)
            case m.Begin():
                side = self._sides.begin(message, self._floor.lease_for(message))
                self._accept(message.front, message.request, side)
            case m.Tell() | m.End():
                self._sides.hand_over(message)

    def _tell_lessons(self, message: m.ListLessons) -> None:
        """Answer once the lessons are written down, or with what there is where that takes long."""
        now = time.monotonic()
        if message.request not in self._asked and message.skip == 0:
            self._asked[message.request] = now
            self._indexing.learn()
        if self._indexing.busy and now - self._asked.get(message.request, 0.0) < _LESSONS:
            self._waiting.append(message)
            return
        self._asked.pop(message.request, None)
        lessons = self._store.lessons
        page = lessons.page(message.skip, min(message.limit, _ROWS))
        told = m.Lessons(lessons=page, request=message.request, total=lessons.count())
        self._fronts.send([message.front], told)

    def _watch(self, message: m.Watch) -> None:
        self._known(message.run)
        front = self._fronts.get(message.front)
        if front is not None:
            self._floor.refresh(message.run)
            front.watched.add(message.run)
            self._snapshot(message.front, message.run)

    def _snapshot(self, front: str, run: str) -> None:
        live = self._floor.get(run)
        state = live.state if live else self._store.index(run)
        self._fronts.send([front], m.Snapshot(run=run, state=state))

    def _submit(self, message: m.Submit) -> None:
        faults.asked(message.context.env)
        recipe = parse(message.recipe).recipe
        reason = HELD if message.hold else WAITS
        queued = ev.Queued(reason=reason, held=message.hold, place=self._floor.queue.last_place)
        directory = RunDir.create(
            self._root,
            message.recipe,
            message.context,
            lambda run: [first_event(run, message.name, recipe), queued],
        )
        self._floor.add(directory, message.context)
        self._accept(message.front, message.request, directory.run)

    def _act(self, message: m.Act) -> None:
        directory = self._known(message.run)
        live = self._floor.settled(message.run)
        if message.verb == "retry" and live is None:
            self._retry(message, directory)
            return
        note = self._act_live(message, live) if live else self._act_ended(message, directory)
        self._accept(message.front, message.request, message.run, note)

    def _act_live(self, message: m.Act, live: LiveRun) -> str:
        verb = message.verb
        if verb == "remark":
            return self._remark(self._heeded(message, live.state), live)
        if verb == "retry":
            raise _not_now(
                message, "It has not ended", "Stop it first; `openlora runs resume` goes on with it."
            )
        if message.settings and verb not in ("pin", "rate"):
            raise _not_now(message, "Its recipe can change only once it has ended", "Stop it first.")
        if verb in _QUEUE:
            return self._act_queued(message, live)
        if verb == "delete":
            raise _not_now(message, "It has not ended", "Stop it first.")
        if verb == "kill" and live.device is not None:
            live.kill()
            return "its worker was killed"
        if live.device is None and verb in ("stop", "kill"):
            self._floor.end_queued(live, message.front)
            return "it was taken off the queue"
        if live.device is None:
            raise _not_now(
                message, "It has no worker yet", "Wait until it starts; stopping it takes it off the queue."
            )
        if live.fetching and verb != "stop":
            raise _not_now(message, "Its model is being fetched", "Stop it; what has come is kept.")
        if verb == "rate":
            rate = learning_rate_in(message.settings)
            self._floor.order(live, m.Order(verb="rate", by=message.front, rate=rate))
            return f"learning_rate is {rate:.4g} from the next step on"
        order = "continue" if verb == "resume" else verb
        paused = live.state.status == "paused"
        if order == "continue" and not paused:
            raise _not_now(message, "It is not paused", "Pause it first; a run that has ended is resumed.")
        if order in ("pause", "save", "stop", "continue"):
            self._floor.order(live, m.Order(verb=order, by=message.front))
        return f"{order} was sent to its worker"

    def _heeded(self, message: m.Act, state: RunState) -> Remark:
        """What someone says; a dismissal that reaches beyond the run is kept in the home too."""
        if message.remark is None:
            raise Problem("There is nothing to write down.", do="Say what is to be remembered of the run.")
        if isinstance(message.remark, Dismissed):
            put(self._root, message.remark, About(files=state.data, model=state.model))
        return message.remark

    def _remark(self, remark: Remark, live: LiveRun) -> str:
        if live.device is None:
            live.write(remark)
        else:
            self._floor.order(live, m.Order(verb="remark", remark=remark))
        return "it was written down"

    def _act_queued(self, message: m.Act, live: LiveRun) -> str:
        if live.device is not None:
            raise _not_now(message, "It does not wait in the queue any more", "Pause or stop it instead.")
        match message.verb:
            case "hold" | "release":
                self._floor.queue.hold(live, held=message.verb == "hold")
                return "it is held" if message.verb == "hold" else "it starts when its turn comes"
            case "pin":
                devices = message.settings.get("devices", "")
                self._floor.pin(live, devices)
                return f"it starts on {devices} alone" if devices else "it starts where its recipe says"
            case _:
                ahead = self._floor.queue.move(live, sooner=message.verb == "sooner")
                return f"it comes {'before' if message.verb == 'sooner' else 'after'} run {ahead} now"

    def _act_ended(self, message: m.Act, directory: RunDir) -> str:
        if message.verb == "resume":
            return self._resume(message, directory)
        if message.verb == "remark":
            append(directory.events, [self._heeded(message, self._store.index(directory.run))])
            self._show(directory.run)
            return "it was written down"
        if message.verb == "rate":
            do = "`openlora runs resume --set learning_rate=1e-4` goes on with another one."
            raise _not_now(message, "It has ended", do)
        if message.verb != "delete":
            raise _not_now(message, "It has ended", "What was saved can be resumed: `openlora runs resume`.")
        state = self._store.index(directory.run)
        lesson = lesson_of(state, directory)
        lesson = stub(lesson) if lesson.forgotten else lesson
        try:
            remember_deleted(self._root, lesson)
            directory.delete()
        except OSError as error:
            if room.refusal(error) is None:
                raise
            directory.delete()  # which makes the room that the lesson lacked
            remember_deleted(self._root, lesson)
        self._store.forget(directory.run)
        self._fronts.send_apps(m.Runs(rows=[], gone=[directory.run], total=self._store.count()))
        return "it was deleted"

    def _retry(self, message: m.Act, directory: RunDir) -> None:
        front = self._fronts.get(message.front)
        context = message.context or (front.context if front else None)
        run, note = self._repairs.retry(directory, context, message.front, message.patch, message.settings)
        self._accept(message.front, message.request, run, note)

    def _resume(self, message: m.Act, directory: RunDir) -> str:
        state = self._store.index(directory.run)
        if not state.created:
            do = (
                f"`openlora new --from {state.run}` takes over its recipe; `openlora runs delete` removes it."
            )
            raise Problem(f"Run {state.run} cannot go on.", why=state.reason, do=do, exit_status=WORK_FAILED)
        front = self._fronts.get(message.front)
        asked_from = message.context or (front.context if front else None)
        context = asked_from or directory.context() or job_context()
        faults.asked(context.env)
        changed = take_settings(directory, message.settings, state)
        directory.write_context(context)
        from_checkpoint = directory.resumable()
        queued = ev.Queued(reason=WAITS, place=self._floor.queue.last_place)
        events: list[ev.Event] = [] if from_checkpoint else [ev.Resumed(step=0)]
        self._floor.add(directory, context, *events, queued)
        how = "it goes on from its last checkpoint" if from_checkpoint else "it starts again"
        return "; ".join([how, *map(str, changed)])

    def _show(self, run: str) -> None:
        """Send a run that has ended to whoever watches or lists it."""
        state = self._store.index(run)
        for name in self._fronts.names:
            front = self._fronts.get(name)
            if front is not None and run in front.watched:
                self._fronts.send([name], m.Snapshot(run=run, state=state))
        self._fronts.send_apps(m.Runs(rows=[row_of(state)], total=self._store.count()))

    def _read(self, run: str) -> bool:
        """True where all that the run has reported was read, or can be on the spot."""
        if not is_run(run):
            return True
        return self._floor.followed(run) if run in self._floor else self._indexing.ready(run)

    def _known(self, run: str) -> RunDir:
        directory = RunDir(self._root, run)
        if not is_run(run) or not directory.path.is_dir():
            raise Problem(f"There is no run {one_line(run, 80)!r}.", do="`openlora runs` lists them.")
        return directory

    def _accept(self, front: str, request: str, run: str, note: str = "") -> None:
        self._fronts.send([front], m.Accepted(request=request, run=run, note=note))

    def _refuse(self, front: str, request: str, problem: Problem) -> None:
        refused = m.Refused(request=request, problem=problem.as_dict(), exit_status=problem.exit_status)
        self._fronts.send([front], refused)


def _not_now(message: m.Act, why: str, do: str) -> Problem:
    return Problem(
        f"Run {message.run} cannot take `{message.verb}`.", why=f"{why}.", do=do, exit_status=WORK_FAILED
    )


def _unexpected(root: Path, error: Exception) -> Problem:
    return Problem(
        "The engine could not do that.",
        where=str(root / "engine.log"),
        why=f"{type(error).__name__}: {error}.",
        do="The log has the whole of it.",
        exit_status=WORK_FAILED,
    )
