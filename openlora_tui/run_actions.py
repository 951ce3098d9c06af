"""The half of the app that acts on runs: starts, pauses, stops and deletes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine import messages as ms
from engine.lessons.lesson import Lesson
from engine.run_state import RunState
from engine.text import clean, one_line
from openlora_tui.actions import Facts
from openlora_tui.session import Session
from openlora_tui.stopping import waiting_first
from openlora_tui.terminal.seat import Seat

if TYPE_CHECKING:
    from openlora_tui.modals.retrying import Retrying


class RunActions(Seat):
    """Each `do_...` is an action of the registry; it runs only where the action is available."""

    session: Session
    folder: Path

    def facts(self) -> Facts:
        """What decides which actions are available now."""
        raise NotImplementedError

    def open_run(self, run: str) -> None:
        """Show a run in Train."""
        raise NotImplementedError

    def tell(self, text: str, *, good: bool = False) -> None:
        """A short notice; what it says is text from anywhere and never markup."""
        self.notify(clean(text), severity="information" if good else "warning", markup=False)

    def tell_problem(self, problem: dict[str, str]) -> None:
        """A refusal with its place, its reason and what to do."""
        parts = [one_line(problem.get(name, "")) for name in ("what", "where", "why", "do")]
        self.notify("\n".join(part for part in parts if part), severity="error", markup=False, timeout=12)

    def do_copy(self) -> None:
        """The adapter's path, else the run's id, into the terminal's clipboard."""
        row = self.facts().row
        if row is not None:
            text = row.adapter or row.run
            self.copy_to_clipboard(text)
            self.tell(f"Copied {one_line(text)}", good=True)

    # --- runs ---

    def do_pause(self) -> None:
        """Pause, or continue."""
        row = self.facts().row
        if row is not None:
            self._act(row, "continue" if row.status == "paused" else "pause")

    def do_save(self) -> None:
        """A checkpoint now."""
        self._act(self.facts().row, "save")

    def do_hold(self) -> None:
        """Hold, or release."""
        row = self.facts().row
        if row is not None:
            self._act(row, "release" if row.held else "hold")

    def do_sooner(self) -> None:
        """Before its neighbour in the queue."""
        self._act(self.facts().row, "sooner")

    def do_later(self) -> None:
        """After its neighbour in the queue."""
        self._act(self.facts().row, "later")

    def do_pin(self) -> None:
        """On which devices it starts, once they are chosen."""
        from openlora_tui.modals.devices import pin_to

        row, machine = self.facts().row, self.session.machine
        if row is not None:
            self.push_screen(pin_to(row, machine.gpus if machine else []), partial(self._pinned, row))

    def _pinned(self, row: ms.RunRow, devices: str | None) -> None:
        from openlora_tui.modals.devices import RECIPE

        if devices is not None:
            self._act(row, "pin", {"devices": "" if devices == RECIPE else devices})

    def do_rate(self) -> None:
        """Another learning rate, once it is chosen."""
        row = self.facts().row
        if row is not None:
            self.session.glance(row.run, self._ask_rate)

    def _ask_rate(self, state: RunState) -> None:
        from openlora_tui.modals.rate import rate_for

        self.push_screen(rate_for(state), partial(self._given_rate, state.run))

    def _given_rate(self, run: str, rate: str | None) -> None:
        if rate is not None:
            self._act(self.session.rows.get(run), "rate", {"learning_rate": rate})

    def do_resume(self) -> None:
        """On from the last checkpoint; one that has finished needs more to do."""
        row = self.facts().row
        if row is not None and row.status == "succeeded":
            self.session.glance(row.run, self._ask_how_much_more)
        else:
            self._act(row, "resume")

    def _ask_how_much_more(self, state: RunState) -> None:
        from openlora_tui.modals.more_epochs import MoreEpochs

        home = self.session.welcome.home if self.session.welcome is not None else ""
        self.push_screen(MoreEpochs(state, home), partial(self._given_more, state.run))

    def _given_more(self, run: str, settings: dict[str, str] | None) -> None:
        row = self.session.rows.get(run)
        if settings:
            self._act(row, "resume", settings)

    def do_retry(self) -> None:
        """A linked run with what may mend this one, once that is chosen."""
        row = self.facts().row
        if row is not None:
            self.session.glance(row.run, self._recall_for_retry)

    def _recall_for_retry(self, state: RunState) -> None:
        self.session.recall(partial(self._ask_with_what, state))

    def _ask_with_what(self, state: RunState, lessons: list[Lesson]) -> None:
        from openlora_tui.modals.retrying import Retrying

        home = self.session.welcome.home if self.session.welcome is not None else ""
        dialogue = Retrying(state, lessons, home)
        self.push_screen(dialogue, partial(self._chosen_to_retry, dialogue, state.run))

    def _chosen_to_retry(self, dialogue: Retrying, run: str, number: str | None) -> None:
        if number:
            self.session.retry(run, dialogue.found[int(number)].patch, self._retried)

    def _retried(self, reply: ms.Accepted | ms.Refused) -> None:
        if isinstance(reply, ms.Refused):
            self.tell_problem(reply.problem)
            return
        self.tell(f"Run {reply.run}: {one_line(reply.note)}.", good=True)
        self.open_run(reply.run)

    def do_stop(self) -> None:
        """Stop after saving, once it is confirmed."""
        self._confirm("stop")

    def do_kill(self) -> None:
        """End at once, once it is confirmed."""
        self._confirm("kill")

    def do_delete(self) -> None:
        """Delete, once it is confirmed."""
        self._confirm("delete")

    def _confirm(self, verb: ms.Verb) -> None:
        from openlora_tui.modals.questions import confirm

        row = self.facts().row
        if row is not None:
            home = self.session.welcome.home if self.session.welcome is not None else ""
            question = confirm(verb, row, self.facts().key("resume"), home)
            self.push_screen(question, partial(self._confirmed, row, verb))

    def _confirmed(self, row: ms.RunRow, verb: ms.Verb, answer: str | None) -> None:
        if answer == verb:
            self._act(row, verb)

    def _act(self, row: ms.RunRow | None, verb: ms.Verb, settings: dict[str, str] | None = None) -> None:
        if row is None:
            return
        done = {
            "pause": "pauses after this step", "continue": "goes on", "save": "saves after this step",
            "stop": "saves and stops", "kill": "is ended", "resume": "is queued again",
            "delete": "is deleted", "hold": "is held", "release": "is released", "sooner": "starts sooner",
            "later": "starts later", "pin": "is pinned", "rate": "goes on with another learning rate",
        }  # fmt: skip

        def answer(reply: ms.Accepted | ms.Refused) -> None:
            if isinstance(reply, ms.Refused):
                self.tell_problem(reply.problem)
            else:
                self.tell(one_line(reply.note) or f"{one_line(row.name)} {done[verb]}.", good=True)

        self.session.act(row.run, verb, answer, settings)

    def do_storage(self) -> None:
        """What takes room."""
        from openlora_tui.modals.storage import Storage

        if self.session.welcome is not None:
            self.push_screen(Storage(Path(self.session.welcome.home)))

    def do_stop_all(self) -> None:
        """Stop every live run after saving, once it is confirmed."""
        from openlora_tui.modals.questions import stopping_all

        question = stopping_all(self.session.live, self.facts().key("resume"))
        self.push_screen(question, self._all_confirmed)

    def _all_confirmed(self, answer: str | None) -> None:
        rows = waiting_first(row for row in self.session.live if row.status != "stopping")
        if answer != "stop" or not rows:
            return

        def answered(reply: ms.Accepted | ms.Refused) -> None:
            if isinstance(reply, ms.Refused):
                self.tell_problem(reply.problem)

        for row in rows:
            self.session.act(row.run, "stop", answered)
        self.tell(
            "1 run saves and stops." if len(rows) == 1 else f"{len(rows)} runs save and stop.", good=True
        )

    # --- leaving ---

    def do_back(self) -> None:
        """Quit, from the first place."""
        self.do_leave()

    def do_leave(self) -> None:
        """Quit; with a live run, ask what becomes of it."""
        from openlora_tui.modals.questions import leaving

        live = self.session.live
        if not live or not self.session.connected:
            self.exit()
            return
        self.push_screen(leaving(live, self.facts().key("resume")), self._left)

    def _left(self, answer: str | None) -> None:
        if answer == "leave":
            self.exit()
        elif answer == "stop":
            self._stop_all(waiting_first(row for row in self.session.live if row.status != "stopping"))

    def _stop_all(self, rows: list[ms.RunRow]) -> None:
        """Leave once the engine has every stop, or after some seconds without an answer."""
        waiting = {row.run for row in rows}
        if not waiting:
            self.exit()
            return

        def answered(run: str, reply: ms.Accepted | ms.Refused) -> None:
            waiting.discard(run)
            if not waiting:
                self.exit()

        for row in rows:
            self.session.act(row.run, "stop", partial(answered, row.run))
        self.set_timer(5.0, self.exit)
