"""What the Recipe screen does with the whole recipe: picks, saves, starts, compares, hands to an editor."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from engine import messages as ms
from engine.problem import Problem
from engine.recipe import Field, RecipeFile, absolute_text, check_paths, near
from engine.text import one_line
from openlora_tui.draft import said
from openlora_tui.earlier import against_run
from openlora_tui.editor import edited_elsewhere
from openlora_tui.modals import pick, recipes
from openlora_tui.modals.ask import Ask, Choice
from openlora_tui.modals.command_line import CommandLine
from openlora_tui.screens.recipe_mends import RecipeMends
from openlora_tui.twin import other_lines, run_lines

if TYPE_CHECKING:
    pass

_PICKED = ("model", "data", "eval_data", "adapter")


class RecipeActs(RecipeMends):
    """The half of the screen that asks other screens, threads and the engine."""

    _starting = False
    _warned = ""
    """The recipe of which it was said that its settings have failed."""

    def show_draft(self) -> None:
        """Paint the draft anew."""
        raise NotImplementedError

    def do_retype(self) -> None:
        """Type the value of the field under the cursor."""
        raise NotImplementedError

    def do_more(self) -> None:
        """The next value."""
        raise NotImplementedError

    def do_mistake(self) -> None:
        """Go to a mistake."""
        raise NotImplementedError

    # --- one field ---

    def do_edit(self) -> None:
        """Whatever the line under the cursor is for."""
        field, section = self.form.field, self.form.section
        if section is not None:
            self.form.fold(section)
        elif field is None:
            self.tui.action_do("editor")
        elif field.name in _PICKED or len(field.choices) > 2:
            self.run_worker(self._pick(field), exclusive=True, group="pick")
        elif field.choices or isinstance(field.default, bool):
            self.do_more()
        else:
            self.do_retype()

    def do_add(self) -> None:
        """One more file."""
        field = self.form.field
        if field is not None:
            self.run_worker(self._pick(field, more=True), exclusive=True, group="pick")

    async def _pick(self, field: Field, *, more: bool = False) -> None:
        draft, rows = self.draft, self.tui.session.newest_first()
        if field.name == "model":
            chooser = pick.model(draft.folder, "Model", rows)
        elif field.name == "adapter":
            chooser = pick.adapter(draft.folder, rows)
        elif field.choices:
            chooser = pick.choice(field, str(draft.value(field.name)))
        else:
            chooser = pick.data(draft.folder, f"{field.label}: add a file" if more else field.label)
        chosen = await self.app.push_screen_wait(chooser)
        if chosen is None:
            return
        value: Any = near(chosen, draft.folder)
        if more:
            before = draft.value(field.name) or []
            value = [*(before if isinstance(before, list) else [before]), value]
            value = value[0] if len(value) == 1 else value
        draft.settle()
        draft.set(field.name, said(value))
        self.changed()

    # --- the whole ---

    def do_write(self) -> None:
        """Save to its file, or ask for one."""
        if self.draft.path is None:
            self.do_write_as()
            return
        try:
            self.draft.save()
        except Problem as problem:
            self._refused(problem)
            return
        self._saved()

    def do_write_as(self) -> None:
        """Save under a name that is asked for."""
        self.run_worker(self._write_as(), exclusive=True, group="pick")

    async def _write_as(self) -> None:
        draft = self.draft
        try:
            draft.file()
        except Problem as problem:
            self._refused(problem)
            return
        name = recipes.free_name(draft.folder, _file_name(draft.name))
        chosen = await self.app.push_screen_wait(pick.target(draft.folder, name))
        if chosen is None:
            return
        try:
            draft.save(type(draft.folder)(chosen))
        except Problem as problem:
            self._refused(problem)
            return
        self._saved()

    def _saved(self) -> None:
        self.changed()
        self.tui.tell(f"Saved {one_line(str(self.draft.path))}", good=True)

    def do_onward(self) -> None:
        """Start it."""
        self.do_start()

    def do_start(self) -> None:
        """Queue a run of the draft as it is."""
        if not self._starting:
            self.run_worker(self._start(), exclusive=True, group="start")

    async def _start(self) -> None:
        try:
            if await self._mending_first(self.draft.file().recipe):
                return
            file = self.draft.file()
        except Problem as problem:
            self._refused(problem)
            return
        await self._submit(file)

    async def _submit(self, file: RecipeFile) -> None:
        """Queue a run of the recipe, unless the check of the draft says that it would be stopped."""
        try:
            text = await asyncio.to_thread(_text_to_submit, file)
        except Problem as problem:
            self._refused(problem)
            return
        if await self._stopped() or self._held_back(text):
            return
        ahead = self.tui.session.live
        self._starting = True

        def answer(reply: ms.Accepted | ms.Refused) -> None:
            self._starting = False
            if isinstance(reply, ms.Refused):
                self.tui.tell_problem(reply.problem)
            elif ahead:
                runs = "run" if reply.run.isdigit() else ""
                self.tui.tell(
                    f"Queued as {runs} {reply.run}, after {one_line(ahead[0].name, 30)}. "
                    f"{self.tui.facts().key('runs')} shows the queue.",
                    good=True,
                )
            else:
                self.tui.open_run(reply.run)

        self.tui.session.submit(file.name, text, answer)

    async def _stopped(self) -> bool:
        """Show what would stop the run."""
        await self._checked()
        if not self.preflight.blockers:
            return False
        self.tui.tell(f"It would be stopped: {one_line(self.preflight.blockers[0].title, 100)}")
        self.do_preflight()
        return True

    def _held_back(self, text: str) -> bool:
        """Say once of a recipe that its settings have failed here; the key once more starts it."""
        said = self.preflight.warned
        if not said or self._warned == text:
            return False
        self._warned = text
        again = f"{self.tui.facts().key('start')} again starts it all the same."
        self.tui.tell(f"{one_line(said[0].title, 120)}. {again}")
        self.do_preflight()
        return True

    def _refused(self, problem: Problem) -> None:
        self.tui.tell_problem(problem.as_dict())
        self.do_mistake()

    def do_compare(self) -> None:
        """Choose a run to compare with; with one chosen, end it."""
        if self.draft.against is not None:
            self.draft.against = None
            self.show_draft()
            return
        self.run_worker(self._compare(), exclusive=True, group="pick")

    async def _compare(self) -> None:
        rows = self.tui.session.newest_first()
        chosen = await self.app.push_screen_wait(pick.run(rows, self.tui.clock()))
        if chosen is None:
            return
        try:
            self.draft.against = await asyncio.to_thread(against_run, chosen)
        except Problem as problem:
            self.tui.tell_problem(problem.as_dict())
            return
        self.show_draft()
        if not self.draft.others():
            self.tui.tell(f"It is the recipe of {self.draft.against.title}, value for value.", good=True)

    def do_command(self) -> None:
        """The command line that does the same, copied and shown."""
        row = next(iter(self.tui.session.newest_first()), None)
        lines = run_lines(self.draft, self.tui.folder)
        others = other_lines(self.draft, self.tui.folder, row.run if row is not None else "RUN")
        self.app.copy_to_clipboard("\n".join(lines))
        self.app.push_screen(CommandLine(lines, others))

    # --- the editor ---

    def do_editor(self) -> None:
        """Edit the text in $EDITOR, and come back with what it left."""
        self.run_worker(self._edit_text(), exclusive=True, group="pick")

    async def _edit_text(self) -> None:
        text: str | None = self.draft.text()
        while text is not None:
            text = await self._edit_once(text)

    async def _edit_once(self, before: str) -> str | None:
        """What is to be edited again, None where that is done with."""
        try:
            with self.app.suspend():
                text = edited_elsewhere(before, f"{_file_name(self.draft.name)}.yaml")
        except SuspendNotSupported:
            self.tui.tell("This terminal cannot be handed to an editor.")
            return None
        except Problem as problem:
            self.tui.tell_problem(problem.as_dict())
            return None
        try:
            self.draft.take(text)
        except Problem as problem:
            answer = await self.app.push_screen_wait(unreadable(problem))
            return text if answer == "again" else None
        self.changed()
        return None


def _text_to_submit(file: RecipeFile) -> str:
    """The recipe's text with every path absolute; raises Problem."""
    check_paths(file)
    return absolute_text(file)


def unreadable(problem: Problem) -> Ask:
    """What becomes of a text that an editor left and that is no recipe."""
    line = problem.where.rpartition(":")[2]
    place = f"Line {line}:" if line.isdigit() else ""
    parts = (place, problem.what, problem.why, problem.do)
    return Ask(
        "This is no recipe yet",
        " ".join(part for part in parts if part),
        [
            Choice("again", "edit again", "back into the editor with this text"),
            Choice("drop", "drop the edit", "the form stays as it was", "warn"),
        ],
    )


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "recipe"
