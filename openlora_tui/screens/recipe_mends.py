"""What the Recipe screen changes because a check, an estimate or a recommendation proposes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from textual.screen import Screen

from engine.findings import Finding, Patch
from engine.problem import Problem
from engine.recipe import Field, Recipe, near
from engine.recipe.places import PATHS
from engine.repair.start import offered
from engine.text import one_line
from openlora_tui.draft import Draft, said
from openlora_tui.estimating import Estimating
from openlora_tui.modals.mending import mend_first
from openlora_tui.modals.preflight import PreflightFindings
from openlora_tui.modals.recommended import RecommendedValues
from openlora_tui.preflighting import Preflighting
from openlora_tui.recommending import Recommending

if TYPE_CHECKING:
    from openlora_tui.host import Host
    from openlora_tui.widgets.form import Form

_LOOK: Final = 0.05
_LOOKS: Final = 30
"""Looks for the word of a check that is under way; a worker proves the same before the first step."""


class RecipeMends(Screen[None]):
    """Makes proposed changes in the draft, each of which can be undone."""

    preflight: Preflighting
    estimate: Estimating
    recommending: Recommending
    _offered: frozenset[str] = frozenset()
    """Titles of findings whose change was offered at a start already."""

    @property
    def tui(self) -> Host:
        """The app, by its own type."""
        return cast("Host", self.app)

    @property
    def form(self) -> Form:
        """The form."""
        raise NotImplementedError

    @property
    def draft(self) -> Draft:
        """The recipe under edit."""
        raise NotImplementedError

    def changed(self) -> None:
        """The draft was changed."""
        raise NotImplementedError

    def _refused(self, problem: Problem) -> None:
        """Say what is wrong with the draft, and go there."""
        raise NotImplementedError

    def do_preflight(self) -> None:
        """What would stop or spoil the run."""
        self.app.push_screen(PreflightFindings(self.preflight, self._mend, self._undone))

    def do_apply_patch(self) -> None:
        """Make the change that is proposed for the field under the cursor."""
        finding = self._mending(self.form.field)
        if finding is not None:
            self._mend(finding)

    def _mending(self, field: Field | None) -> Finding | None:
        """The gravest finding that another value of the field would mend."""
        about = [
            found for found in self.preflight.findings
            if field is not None and found.patch is not None and field.name in found.patch.recipe
        ]  # fmt: skip
        return next(iter(about), None)

    def _mend(self, finding: Finding) -> str:
        """Make the change that the finding proposes; why it cannot be made, or nothing."""
        if finding.patch is None:
            return "No value would mend this; the remedy says what a person can do."
        return self._patched(finding.patch)

    def _patched(self, patch: Patch) -> str:
        if not patch.recipe:
            return f"The data is what is to be mended: {self.tui.facts().key('data')} shows it."
        return self._put(patch.recipe, patch.label)

    def _put(self, values: Mapping[str, Any], label: str) -> str:
        """Set fields in one step, and say so; why that cannot be done, or nothing."""
        if self.tui.readonly:
            return "OpenLoRA was opened to watch only (--readonly)."
        texts = {}
        for name, value in values.items():
            placed = name in PATHS and isinstance(value, str | list)
            texts[name] = said(near(value, self.draft.folder) if placed else value)
        self.draft.set_all(texts)
        self.changed()
        self.tui.tell(f"{one_line(label, 80)}. {self.tui.facts().key('undo')} undoes it.", good=True)
        return ""

    def do_recommend(self) -> None:
        """Values for this model and data, each with its reason."""
        try:
            file = self.draft.file()
        except Problem as problem:
            self._refused(problem)
            return
        self.recommending.look(file)
        self.app.push_screen(RecommendedValues(self.recommending, self.draft.value, self._put, self._undone))

    def do_fit(self) -> None:
        """Make the change with which the run fits in memory."""
        if self.estimate.change is not None:
            self._patched(self.estimate.change.patch)

    def _undone(self) -> None:
        self.draft.undo()
        self.changed()

    async def _mending_first(self, recipe: Recipe) -> bool:
        """Offer once what can be mended; True where the run is not to start now."""
        await self._checked()
        found = [one for one in offered(self.preflight.findings, recipe) if one.title not in self._offered]
        if not found:
            return False
        answer = await self.app.push_screen_wait(mend_first(found, self.tui.facts().key("undo")))
        if answer == "look":
            self.do_preflight()
        if answer not in ("mend", "start"):
            return True
        self._offered |= {finding.title for finding in found}
        for finding in found:
            if answer == "mend" and finding.patch is not None:
                self._patched(finding.patch)
        return False

    async def _checked(self) -> None:
        """Wait a moment for what the check of the recipe says."""
        for _ in range(_LOOKS):
            if not self.preflight.coming:
                break
            await asyncio.sleep(_LOOK)
