"""The part of the app that holds the recipe under edit: opens others, asks before one is lost, keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from textual.timer import Timer

from engine.problem import Problem
from engine.text import one_line
from openlora_tui.keeper import Keeper
from openlora_tui.run_actions import RunActions

if TYPE_CHECKING:
    from openlora_tui.draft import Draft, Kept
    from openlora_tui.screens.recipe import RecipeScreen

_KEEP_AFTER: Final = 0.5
"""Seconds after the last change until the draft is written down."""


class RecipeActions(RunActions):
    """Holds the draft; nothing of it is imported before a recipe is opened."""

    draft: Draft | None = None
    readonly: bool
    clock: Callable[[], float]
    _keeper: Keeper | None = None
    _keeping: Timer | None = None

    # --- keeping ---

    def restore_draft(self) -> None:
        """Called in a thread: take over what an app that is gone had not saved."""
        if self.readonly:
            return  # it is for an app that may keep it
        self._keeper = self._keeper or Keeper()
        try:
            kept = self._keeper.left().result()
        except (OSError, Problem):
            return
        if kept is not None:
            self.call_from_thread(self._restored, kept)

    def _restored(self, kept: Kept) -> None:
        from openlora_tui.draft import Draft

        if self.draft is not None and self.draft.dirty:
            return
        try:
            self.draft = Draft.restored(kept)
        except Problem:
            return
        self._refresh_recipe()
        key = self.facts().key("recipe")
        self.tell(f"The recipe {self.draft.name} was not saved and has been kept: {key} shows it.", good=True)

    def draft_changed(self) -> None:
        """Keep the draft half a second after the last change; who only watches leaves no file."""
        if self.readonly:
            return
        if self._keeping is not None:
            self._keeping.stop()
        self._keeping = self.set_timer(_KEEP_AFTER, self._keep)

    def _keep(self) -> None:
        if self.draft is None:
            return
        self._keeper = self._keeper or Keeper()
        done = self._keeper.keep(self.draft.kept if self.draft.dirty else None)
        if done is not None:
            done.add_done_callback(self._kept)

    def _kept(self, done: Future[None]) -> None:
        error = done.exception()
        if isinstance(error, (OSError, Problem)) and self.is_running:
            self.call_from_thread(self.tell, f"The draft cannot be kept: {error}. Save the recipe.")

    def close_draft(self) -> None:
        """Keep what is not saved for the next time."""
        if self._keeping is not None:
            self._keeping.stop()
            self._keep()
        if self._keeper is not None:
            self._keeper.close()

    # --- opening ---

    def do_new(self) -> None:
        """A recipe of those on disk, or a new one from a data file and a model."""
        self.run_worker(self._new(), exclusive=True, group="draft")

    def do_load(self) -> None:
        """A recipe on disk, or that of an earlier run."""
        self.run_worker(self._load(), exclusive=True, group="draft")

    def do_drop(self) -> None:
        """Forget all that is not saved."""
        self.run_worker(self._drop(), exclusive=True, group="draft")

    def open_recipe(self, path: Path) -> None:
        """Show a recipe's file in the form."""
        self.run_worker(self._open_file(path), exclusive=True, group="draft")

    def open_data(
        self,
        files: Sequence[str],
        model: str = "",
        max_length: int | None = None,
        eval_files: Sequence[str] = (),
    ) -> None:
        """Go on to the recipe with this data, this `max_length`, and this model where it has none yet."""
        from engine.recipe import near
        from openlora_tui.draft import Draft, said

        if self.draft is None:
            self.draft = Draft(self.folder)
        self.draft.settle()
        for field, words, before in (
            ("data", list(files), self.draft.data_words),
            ("eval_data", list(eval_files), self.draft.eval_words),
        ):
            if words and words != before:
                named = [near(name, self.draft.folder) for name in words]
                self.draft.set(field, said(named[0] if len(named) == 1 else named))
        if model and not self.draft.value("model"):
            self.draft.set("model", said(near(model, self.draft.folder)))
        if max_length is not None:
            self.draft.set("max_length", said(max_length))
        self._show_recipe()

    def change_recipe(self, values: Mapping[str, object]) -> None:
        """Set fields of the recipe under edit, and say so; `u` on the Recipe screen takes it back."""
        from openlora_tui.draft import Draft, said

        if self.draft is None:
            self.draft = Draft(self.folder)
        self.draft.settle()
        for name, value in values.items():
            self.draft.set(name, said(value))
        self._refresh_recipe()
        self.draft_changed()
        told = ", ".join(f"{name} {said(value)}" for name, value in values.items())
        undo, recipe = self.facts().key("undo"), self.facts().key("recipe")
        self.tell(
            f"In the recipe: {one_line(told, 60)}. {recipe} shows it, {undo} there undoes it.", good=True
        )

    def pick_recipe(self, path: str) -> None:
        """Open a recipe that was found by its name."""
        self.open_recipe(Path(path))

    def pick_field(self, name: str) -> None:
        """Go to a field that was found by its name."""
        self.run_worker(self._go_to_field(name), exclusive=True, group="draft")

    async def _go_to_field(self, name: str) -> None:
        await self.switch_mode("recipe")
        cast("RecipeScreen", self.screen).go(name)

    async def _new(self) -> None:
        from openlora_tui.modals import pick, recipes

        options = await asyncio.to_thread(recipes.new_or_one, self.folder)
        chosen: str | None = recipes.NEW
        if len(options) > 1:
            chosen = await self.push_screen_wait(pick.new_or_one(self.folder, options))
        if chosen == recipes.NEW:
            await self._new_recipe()
        elif chosen:
            await self._open_file(Path(chosen))

    async def _new_recipe(self) -> None:
        from engine.recipe import near
        from openlora_tui.draft import Draft
        from openlora_tui.modals import pick

        data = await self.push_screen_wait(pick.data(self.folder, "New recipe, 1 of 2: the data"))
        if data is None:
            return
        rows = self.session.newest_first()
        title = "New recipe, 2 of 2: the model"
        model = await self.push_screen_wait(pick.model(self.folder, title, rows))
        if model is not None and await self._may_replace():
            self.draft = Draft.fresh(
                self.folder, {"model": near(model, self.folder), "data": near(data, self.folder)}
            )
            self._show_recipe()

    async def _load(self) -> None:
        from openlora_tui.modals import pick

        rows = self.session.newest_first()
        chosen = await self.push_screen_wait(pick.recipe(self.folder, rows, self.clock()))
        if chosen is not None:
            await (self._open_run_recipe(chosen) if chosen.isdigit() else self._open_file(Path(chosen)))

    async def _open_file(self, path: Path) -> None:
        from openlora_tui.draft import Draft

        try:
            draft = await asyncio.to_thread(Draft.opened, path)
        except Problem as problem:
            self.tell_problem(problem.as_dict())
            return
        await self._replace(draft)

    async def _open_run_recipe(self, run: str) -> None:
        from openlora_tui.earlier import of_run

        try:
            draft = await asyncio.to_thread(of_run, run, self.folder)
        except Problem as problem:
            self.tell_problem(problem.as_dict())
            return
        await self._replace(draft)

    async def open_changed(self, run: str, values: Mapping[str, object]) -> None:
        """Show the recipe of an earlier run in the form, with these values in it."""
        from openlora_tui.draft import said
        from openlora_tui.earlier import of_run

        try:
            draft = await asyncio.to_thread(of_run, run, self.folder)
        except Problem as problem:
            self.tell_problem(problem.as_dict())
            return
        for name, value in values.items():
            draft.set(name, said(value))
        draft.settle()
        await self._replace(draft)

    async def _replace(self, draft: Draft) -> None:
        if await self._may_replace():
            self.draft = draft
            self._show_recipe()

    async def _drop(self) -> None:
        path = self.draft.path if self.draft is not None else None
        if await self._may_replace():
            self._show_recipe()
            if path is not None:
                await self._open_file(path)

    async def _may_replace(self) -> bool:
        """Ask what becomes of a draft that is not saved."""
        from openlora_tui.draft import Draft
        from openlora_tui.modals.questions import unsaved

        draft = self.draft
        if draft is None or not draft.dirty:
            return True
        answer = await self.push_screen_wait(unsaved(draft.name, named=draft.path is not None))
        if answer == "save":
            try:
                draft.save()
            except Problem as problem:
                self.tell_problem(problem.as_dict())
                return False
        elif answer == "drop":
            self.draft = Draft(self.folder)
        return answer in ("save", "drop")

    def _show_recipe(self) -> None:
        self.draft_changed()
        self._refresh_recipe()
        self.switch_mode("recipe")

    def _refresh_recipe(self) -> None:
        for screen in self._screen_stacks.get("recipe", [])[:1]:
            cast("RecipeScreen", screen).show_draft()
