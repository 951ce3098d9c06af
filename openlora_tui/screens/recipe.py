"""Recipe: everything that decides a run, field by field, and the key that starts it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from engine.lessons.dismissals import About
from engine.problem import Problem
from engine.text import one_line
from openlora_tui.actions import bindings, tables
from openlora_tui.advice import Advice, ordered
from openlora_tui.draft import Draft, said
from openlora_tui.estimating import Estimating, at_once
from openlora_tui.modals.preflight import PreflightFindings
from openlora_tui.modals.walking import shown
from openlora_tui.nudge import can_step, stepped
from openlora_tui.preflighting import Preflighting
from openlora_tui.prospect import Lookup, Prospect
from openlora_tui.recommending import Recommending
from openlora_tui.screens.place import Place
from openlora_tui.screens.recipe_trials import RecipeTrials
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.field_help import FieldHelp, MemoryLine, Readiness, RecipeHead
from openlora_tui.widgets.field_row import View
from openlora_tui.widgets.find_line import FindLine
from openlora_tui.widgets.form import Form
from openlora_tui.widgets.pick_list import PickList

if TYPE_CHECKING:
    from openlora_tui.session import Change

_LOOK_AFTER: Final = 0.3
"""Seconds after the last change until the disk is looked at."""


class RecipeScreen(RecipeTrials, Place):
    """The form, and beside or below it what the field under the cursor means."""

    CSS_PATH = "recipe.tcss"
    TABLES = tables("recipe")
    BINDINGS = bindings(*TABLES)
    AUTO_FOCUS = "#form"

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self.prospect = Prospect()
        self.preflight = Preflighting(lambda: self.tui.session, self._noticed)
        self.estimate = Estimating(lambda: self.tui.session, self._noticed)
        self.recommending = Recommending(lambda: self.tui.session)
        self._lookup = Lookup()
        self._looking: Timer | None = None

    def compose(self) -> ComposeResult:
        """The form with its help."""
        yield TopBar()
        yield RecipeHead()
        with Horizontal(id="body"):
            yield Form()
            yield FieldHelp()
        yield Readiness()
        yield MemoryLine()
        yield FindLine("filter by name, label or what a field does")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """A recipe to fill in, where none is open."""
        super().on_mount()
        self.show_draft()

    @property
    def draft(self) -> Draft:
        """The recipe under edit."""
        if self.tui.draft is None:
            self.tui.draft = Draft(self.tui.folder)
        return self.tui.draft

    @property
    def form(self) -> Form:
        """The form."""
        return self.query_one(Form)

    @property
    def said_folder(self) -> str:
        """The draft's folder, as short as it can be said."""
        return shown(self.draft.folder, self.tui.folder).removesuffix("/.") or "."

    def go(self, name: str) -> None:
        """Put the cursor on a field, whatever the filter hides."""
        self.query_one(FindLine).action_drop()
        self.form.go(name)
        self.form.focus()

    # --- painting ---

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """Nothing here comes from the engine but what the bars say."""
        self.query_one(RecipeHead).repaint()
        self.query_one(Readiness).repaint()
        self.query_one(MemoryLine).repaint()
        self.query_one(FieldHelp).repaint()
        self.form.repaint()
        self.paint_bars()

    def show_draft(self) -> None:
        """Another draft is open, or this one has changed."""
        if not self.ready:
            return
        self.prospect = Prospect()
        self.preflight.forget()
        self._paint_draft()
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(_LOOK_AFTER, self._look)

    def changed(self) -> None:
        """The draft was changed here."""
        self.tui.draft_changed()
        self.show_draft()

    def _paint_draft(self) -> None:
        draft = self.draft
        slips = draft.slips()
        slips |= {name: slip for name, slip in self.prospect.slips.items() if name not in slips}
        self.view = View(draft, slips, draft.others(), self.preflight.findings)
        with self.app.batch_update():
            self.form.view(self.view)
            self.query_one(MemoryLine).display = self.estimate.answer is not None
            self.paint_all()

    def _look(self) -> None:
        self.run_worker(self._looked(), exclusive=True, group="look")

    async def _looked(self) -> None:
        try:
            file = self.draft.file()
        except Problem:
            return
        self.prospect = await asyncio.to_thread(self._lookup.look, file)
        rows = list(self.tui.session.rows.values())
        self.estimate.look(file, await asyncio.to_thread(at_once, file, rows))
        if not self.prospect.slips:
            self.preflight.look(file)
        self._paint_draft()

    def _noticed(self) -> None:
        """The check has found something out."""
        if not self.ready:
            return
        self._paint_draft()
        if isinstance(self.app.screen, PreflightFindings):
            self.app.screen.show()

    def advice(self) -> Advice:
        """What stands in the way of the recipe under edit."""
        check = self.preflight
        looking, well, sound = "", "Nothing stands in the way of this recipe.", True
        if self.view is not None and self.view.slips:
            well, sound = "There are mistakes to mend first; then all of it is checked.", False
        elif check.problem is not None:
            well, sound = f"The recipe cannot be checked: {one_line(check.problem.get('what', ''))}", False
        elif check.verdict is None:
            looking = "looking at the recipe"
        elif not check.done:
            looking = "looking at the rows"
        subject = About(files=self.draft.data_words, model=str(self.draft.value("model") or ""))
        aside = self.tui.advising.aside(check.findings, subject)
        return Advice(
            about="the recipe", findings=ordered(check.findings, aside), aside=aside, looking=looking,
            well=well, sound=sound, subject=subject,
        )  # fmt: skip

    # --- the form ---

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.query_one(FieldHelp).repaint()
        self.paint_bars()

    @on(PickList.Chosen)
    @on(Form.Stepped)
    def _chosen(self) -> None:
        self.tui.action_do("edit")

    @on(Form.Typed)
    def _typed(self, event: Form.Typed) -> None:
        self.draft.set(event.name, event.text, again=True)
        self.changed()

    @on(Form.Cancelled)
    def _cancelled(self, event: Form.Cancelled) -> None:
        self.draft.give_up(event.name)
        self.changed()

    @on(Input.Changed, "FindLine")
    def _filtered(self, event: Input.Changed) -> None:
        self.form.filter(event.value.lower().split())
        self.query_one(FieldHelp).repaint()
        self.paint_bars()

    @on(FindLine.Left)
    def _found(self) -> None:
        self.form.focus()

    def do_find(self) -> None:
        """Open the filter line."""
        line = self.query_one(FindLine)
        line.display = True
        self.set_focus(line)  # now, and not a moment later: what is typed on at once belongs to the line

    def do_close(self) -> None:
        """Drop the filter, else end the comparison."""
        line = self.query_one(FindLine)
        if line.display or line.value:
            line.action_drop()
        elif self.draft.against is not None:
            self.draft.against = None
            self._paint_draft()

    def do_fold(self) -> None:
        """Open or close all sections."""
        self.form.fold_all()

    def do_retype(self) -> None:
        """Type the value of the field under the cursor."""
        field = self.form.field
        if field is not None:
            self.draft.settle()
            self.form.type(field.name, self.draft.shown(field.name))

    def do_more(self) -> None:
        """The next value."""
        self._step(1)

    def do_less(self) -> None:
        """The value before."""
        self._step(-1)

    def _step(self, way: int) -> None:
        field = self.form.field
        if field is not None:
            value = said(stepped(field, self.draft.value(field.name), way))
            self.draft.settle()
            self.draft.set(field.name, value)
            self.changed()

    def do_default(self) -> None:
        """Back to the default."""
        field = self.form.field
        if field is not None:
            self.draft.settle()
            self.draft.reset(field.name)
            self.changed()

    def do_undo(self) -> None:
        """Take the last change back."""
        self.draft.undo()
        self.changed()

    def do_redo(self) -> None:
        """Do again what was taken back."""
        self.draft.redo()
        self.changed()

    def do_mistake(self) -> None:
        """Go to the next mistake below the cursor, then around."""
        names = list(self.view.slips) if self.view is not None else []
        line = self.query_one(FindLine)
        if line.display or line.value:
            line.action_drop()
        here = self.form.current.key if self.form.current is not None else ""
        after = names[names.index(here) + 1 :] if here in names else []
        if names:
            self.go((after or names)[0])

    def why_not(self, id: str) -> str:
        """Why a key does nothing on this field, or on this draft."""
        field, draft = self.form.field, self.draft
        if id in ("more", "less"):
            able = field is not None and can_step(field) and draft.slip(field.name) is None
            return "" if able else f"There is nothing to step through here; {self._key('edit')} edits it."
        if id in ("retype", "default") and field is None:
            return "Go to a field first."
        if id == "default" and field is not None and not draft.changed(field.name):
            return "It is at its default."
        if id == "default" and field is not None and field.required:
            return "This field has no default."
        if id == "add" and (field is None or field.name not in ("data", "eval_data")):
            return "Files are added to the data, or to the evaluation data."
        if id in ("start", "find_rate", "search", "onward", "mistake"):
            wrong = bool(self.view is not None and self.view.slips)
            if id == "mistake":
                return "" if wrong else "There is no mistake."
            return f"There are mistakes; {self._key('mistake')} goes to them." if wrong else ""
        why = {
            "undo": "" if draft.undoable else "Nothing has been changed yet.",
            "redo": "" if draft.redoable else "Nothing has been taken back.",
            "drop": "" if draft.dirty else "All of it is saved.",
            "write": "" if draft.dirty or draft.path is None else "All of it is saved.",
            "compare": "" if self.tui.session.rows else "There is no earlier run to compare with.",
            "preflight": self._why_no_findings(),
            "fit": self.estimate.why_not(),
            "apply_patch": "" if self._mending(field) else "Nothing is proposed for this field.",
        }
        return why.get(id, "")

    def _why_no_findings(self) -> str:
        check = self.preflight
        if check.verdict is not None:
            return "" if check.findings or check.verdict.facts else "Nothing was found in this recipe."
        if check.problem is not None:
            return one_line(f"The recipe cannot be checked: {check.problem.get('what', '')}")
        return "The recipe is looked at in a moment, once there are no mistakes."

    def _key(self, id: str) -> str:
        return self.tui.facts().key(id)
