"""What screens, dialogues and widgets may ask of the app, so that none of them has to know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from openlora_tui.actions import Action, Facts
from openlora_tui.glyphs import Glyphs
from openlora_tui.keymap import Keymap
from openlora_tui.session import Session
from openlora_tui.themes import Look

if TYPE_CHECKING:
    from engine.findings import Finding, Patch
    from openlora_tui.advice import Advice
    from openlora_tui.advising import Advising
    from openlora_tui.asking import Asking
    from openlora_tui.draft import Draft
    from openlora_tui.wardrobe import Wardrobe


class Host(Protocol):
    """The app, as everything on its screens sees it."""

    session: Session
    glyphs: Glyphs
    readonly: bool
    keymap: Keymap
    wardrobe: Wardrobe
    clock: Callable[[], float]
    folder: Path
    draft: Draft | None
    """The recipe under edit; None until the Recipe screen was opened."""
    advisor_open: bool
    """True while the advisor stands beside the place, where there is room."""

    @property
    def advising(self) -> Advising:
        """What the advisor knows."""

    @property
    def asking(self) -> Asking:
        """What it was asked."""

    @property
    def advice(self) -> Advice:
        """What it has to say of what is shown."""

    def past(self, finding: Finding) -> list[str]:
        """What past runs say of a finding."""

    def paint_keys(self) -> None:
        """The focus has moved: the foot of the place may name other keys."""

    def note(self, run: str, step: int, text: str | None) -> None:
        """Keep what a person says of a step at the chart."""

    def offer(self, patch: Patch, advice: Advice) -> None:
        """Show a change, and have it made in the way that is chosen."""

    def ask_advisor(self, text: str) -> None:
        """Ask it about what is shown."""

    @property
    def look(self) -> Look:
        """The colours now."""

    @property
    def spinner(self) -> str:
        """One cell that turns while a run works."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of the actions that the open place binds."""

    def facts(self) -> Facts:
        """What decides which actions are available now."""

    def why_not(self, action: Action, facts: Facts | None = None) -> str:
        """Why an action does nothing now; empty where it does something."""

    def action_do(self, id: str) -> None:
        """Run an action, or say why it is not available."""

    def open_run(self, run: str) -> None:
        """Show a run in Train."""

    def tell(self, text: str, *, good: bool = False) -> None:
        """A short notice."""

    def tell_problem(self, problem: dict[str, str]) -> None:
        """A refusal with its place, its reason and what to do."""

    def draft_changed(self) -> None:
        """The draft was changed: keep it, in a moment."""

    def change_recipe(self, values: Mapping[str, object]) -> None:
        """Set fields of the recipe under edit, as one change that can be undone there."""

    def open_data(
        self,
        files: Sequence[str],
        model: str = "",
        max_length: int | None = None,
        eval_files: Sequence[str] = (),
    ) -> None:
        """Go on to the recipe with this data, and this `max_length` and evaluation data if given."""
