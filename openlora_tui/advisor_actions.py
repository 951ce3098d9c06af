"""The part of the app that speaks for the advisor: opens it beside a place, and does what it advises."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import messages as ms
from engine.findings import Finding, Patch
from engine.remarks import Dismissed, Said, Scope, name_of
from engine.text import one_line
from openlora_tui.recipe_actions import RecipeActions

if TYPE_CHECKING:
    from openlora_tui.advice import Advice
    from openlora_tui.advising import Advising
    from openlora_tui.asking import Asking, Exchange
    from openlora_tui.screens.place import Place
    from openlora_tui.widgets.advice_list import Card
    from openlora_tui.widgets.advisor_view import AdvisorView

_OF_CARD = ("evidence", "apply_advice", "put_aside", "to_chart")


class AdvisorActions(RecipeActions):
    """Nothing of the advisor is imported before it is wanted."""

    advisor_open = False
    """True while it stands beside the place, where there is room."""

    @cached_property
    def advising(self) -> Advising:
        """What the advisor knows."""
        from openlora_tui.advising import Advising

        return Advising(self.session, self._beside, self.paint_advisor)

    @cached_property
    def asking(self) -> Asking:
        """What it was asked."""
        from openlora_tui.asking import Asking

        return Asking(self.session, self.paint_advisor)

    @property
    def place(self) -> Place | None:
        """The screen of the place that is open."""
        raise NotImplementedError

    @property
    def advice(self) -> Advice:
        """What there is to say of what is shown."""
        from openlora_tui.advice import Advice

        return self.place.advice() if self.place is not None else Advice(about="")

    def past(self, finding: Finding) -> list[str]:
        """What past runs say of a finding."""
        return self.advising.past(finding, self.advice.run)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, group="advisor")

    def paint_advisor(self) -> None:
        """Show what has come, at the next turn of the loop."""
        if self.is_running:
            self.call_later(self._paint_advisor)

    def _paint_advisor(self) -> None:
        view = self._view
        if view is not None:
            with self.batch_update():
                view.paint()
        if self.place is not None and self.screen is self.place:
            self.place.advised()

    @property
    def _view(self) -> AdvisorView | None:
        """The advisor on the screen."""
        from openlora_tui.widgets.advisor_view import AdvisorView

        if not self.is_running:
            return None
        return next((view for view in self.screen.query(AdvisorView) if view.display), None)

    @property
    def _card(self) -> Card | None:
        view = self._view
        return view.listed.chosen if view is not None else None

    @property
    def _finding(self) -> Finding | None:
        """The finding that is meant: the chosen one, else the gravest."""
        card = self._card
        if card is not None:
            return card.subject if isinstance(card.subject, Finding) else None
        return next(iter(self.advice.heeded), None)

    @property
    def _exchange(self) -> Exchange | None:
        card = self._card
        return None if card is None or isinstance(card.subject, Finding) else card.subject

    def _of_another(self, exchange: Exchange | None) -> bool:
        return exchange is not None and exchange.question.run != self.advice.run

    def _patch(self) -> Patch | None:
        exchange, finding = self._exchange, self._finding
        if exchange is not None:
            return exchange.patch
        return finding.patch if finding is not None else None

    def paint_keys(self) -> None:
        """The focus has moved: the foot of the place may name other keys."""
        if self.place is not None:
            self.call_later(self.place.paint_bars)

    # --- where it stands ---

    def do_advisor(self) -> None:
        """Open it, go to it, or close it."""
        place = self.place
        if place is None or self.screen is not place:
            return
        if not place.roomy:
            from openlora_tui.modals.advisor import AdvisorPage

            self.push_screen(AdvisorPage())
        elif not self.advisor_open:
            self.advisor_open = True
            place.make_room()
            place.focus_pane()
        elif place.pane_focused:
            self.advisor_open = False
            place.make_room()
        else:
            place.focus_pane()

    def do_leave_advisor(self) -> None:
        """Stop the answer, else leave the line, else leave the advisor."""
        view = self._view
        if self.asking.answering is not None:
            self.asking.cancel()
        elif view is not None and view.line.has_focus:
            view.listed.focus()
        elif self.place is not None and self.screen is self.place:
            self.place.leave_pane()
        else:
            self.screen.dismiss(None)

    # --- one card ---

    def why_not_advise(self, id: str) -> str:
        """Why an action on what is chosen does nothing now."""
        if id not in _OF_CARD:
            return ""
        finding, exchange = self._finding, self._exchange
        if finding is None and exchange is None:
            return "There is no finding: nothing was noticed that needs you."
        match id:
            case "apply_advice" | "to_chart" if self._of_another(exchange):
                return "This answer is about another run or recipe; go back to that one first."
            case "apply_advice" if self._patch() is None:
                return "No change is proposed here; the remedy says what a person can do."
            case "put_aside" if finding is None:
                return "Only a finding can be put aside."
            case "to_chart" if not self.advice.run:
                return "This is not about a run; there is no chart to note it at."
            case "to_chart" if exchange is not None and exchange.answer is None:
                return "There is no answer yet."
        return ""

    def do_evidence(self) -> None:
        """All that the chosen card says."""
        from openlora_tui.modals.findings import Findings

        exchange, finding = self._exchange, self._finding
        if exchange is not None:
            from openlora_tui.modals.answer import AnswerReader

            self.push_screen(AnswerReader(exchange))
        elif finding is not None:
            self.push_screen(Findings(list(self.advice.findings), first=finding))

    def do_apply_advice(self) -> None:
        """See what would be changed, then have it changed."""
        patch, finding, place = self._patch(), self._finding, self.place
        if patch is None or place is None:
            return
        if place.takes(patch, finding):
            return
        self.offer(patch, self.advice)

    def offer(self, patch: Patch, advice: Advice) -> None:
        """Show a change, and have it made in the way that is chosen."""
        from openlora_tui.applying import apply

        self.run_worker(apply(self, patch, advice), exclusive=True, group="apply")

    def do_put_aside(self) -> None:
        """Put the finding aside, with a reason and for as far as is wanted, or take that back."""
        finding = self._finding
        if finding is not None:
            self.run_worker(self._put_aside(finding, self.advice), exclusive=True, group="apply")

    async def _put_aside(self, finding: Finding, advice: Advice) -> None:
        from engine.lessons.dismissals import dismissal
        from openlora_tui.modals.dismissal import REACH, Dismissal

        if finding in advice.aside:
            await self._take_back(finding, advice)
            return
        scopes = [scope for scope in REACH if self._reaches(scope, finding, advice)]
        said = await self.push_screen_wait(Dismissal(finding, scopes))
        if said is not None:
            done = f"Put aside: {one_line(finding.title, 50)}"
            await self._dismissed(advice, dismissal(finding, said.scope, said.reason), done)

    def _reaches(self, scope: Scope, finding: Finding, advice: Advice) -> bool:
        """What would stop a run is put aside for that run alone."""
        if scope == "run":
            return bool(advice.run)
        return finding.severity != "blocker" and advice.subject.subject(scope) is not None

    async def _take_back(self, finding: Finding, advice: Advice) -> None:
        from engine.lessons.dismissals import dismissal, is_dismissed

        found = is_dismissed(finding, advice.subject, self.advising.standing)
        if found is None and self.place is not None:
            self.place.takes_back(finding)
        elif found is not None:
            await self._dismissed(advice, dismissal(finding, found.scope, undone=True), "Taken back.")

    async def _dismissed(self, advice: Advice, dismissed: Dismissed, done: str) -> None:
        """Of a run the engine writes it down; what is about none is kept in the home from here."""
        if advice.run:
            self._remark(advice.run, dismissed, done)
            return
        from engine.lessons.dismissals import put

        home = self.session.welcome.home if self.session.welcome is not None else ""
        try:
            await asyncio.to_thread(put, Path(home), dismissed, advice.subject)
        except OSError as error:
            self.tell(f"It cannot be put aside: {error.strerror or error}.")
            return
        self.advising.look_again()
        self.tell(done, good=True)

    def do_to_chart(self) -> None:
        """Keep the answer, or what was found, as a note at the step that it speaks of."""
        advice, exchange, finding = self.advice, self._exchange, self._finding
        if exchange is not None and exchange.answer is not None:
            told = exchange.question.findings
            cites = [told[number - 1] for number in exchange.answer.cites if 0 < number <= len(told)]
            step = exchange.question.step or next((f.step for f in cites if f.step is not None), None)
            said = Said(
                text=one_line(exchange.answer.text, 200), step=step, cites=[name_of(f) for f in cites]
            )
        elif finding is not None:
            said = Said(text=one_line(finding.title, 200), step=finding.step, cites=[name_of(finding)])
        else:
            return
        self._remark(advice.run, said, "Noted at the chart." if said.step is not None else "Noted.")

    def note(self, run: str, step: int, text: str | None) -> None:
        """Keep what a person says of a step at the chart."""
        if text:
            self._remark(run, Said(text=text, step=step, by="you"), "Noted at the chart.")

    def _remark(self, run: str, remark: Dismissed | Said, done: str) -> None:
        def answer(reply: ms.Accepted | ms.Refused) -> None:
            if isinstance(reply, ms.Refused):
                self.tell_problem(reply.problem)
            else:
                self.tell(done, good=True)
                self.advising.look_again()

        self.session.remark(run, remark, answer)

    # --- questions ---

    def do_ask_advisor(self) -> None:
        """Go to the line to ask in."""
        if self._view is None:
            self.do_advisor()
        self.call_after_refresh(self._to_line)

    def _to_line(self) -> None:
        view = self._view
        if view is not None:
            view.line.focus()
            self.asking.begin()

    def ask_advisor(self, text: str) -> None:
        """Ask about what is shown."""
        from msgspec.structs import replace

        from engine.local_model.asking import asked

        advice, draft, place = self.advice, self.draft, self.place
        of_recipe = place is not None and place.TABLES[:1] == ("recipe",)
        row = place.row if place is not None and advice.run else None
        question = asked(
            0,
            text,
            self.advising.state(row) if row is not None else None,
            advice.heeded,
            self.advising.lessons,
            recipe=draft.text() if draft is not None and of_recipe else "",
            step=place.step_meant if place is not None else None,
        )
        question = replace(question, run=advice.run)
        exchange = self.asking.ask(question)
        view = self._view
        if view is not None:
            view.listed.choose(f"asked:{exchange.question.number}")
            view.paint()
