"""What a person has to know of the field under the cursor, and one line on the recipe as a whole."""

from __future__ import annotations

from typing import Final, Protocol, cast

from engine.findings import Finding
from engine.recipe import Field
from engine.text import one_line
from openlora_tui import estimating
from openlora_tui.draft import said
from openlora_tui.estimating import Estimating
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.preflighting import Preflighting, counts
from openlora_tui.prospect import Prospect
from openlora_tui.sections import Section
from openlora_tui.widgets.field_row import View
from openlora_tui.widgets.form import Form
from openlora_tui.widgets.painted import Painted, Row, between
from openlora_tui.widgets.wrap import wrapped

_INDENT: Final = 9


class Filling(Protocol):
    """The screen of a recipe, as the words beside its form see it."""

    view: View | None
    prospect: Prospect
    preflight: Preflighting
    estimate: Estimating

    @property
    def form(self) -> Form:
        """The form."""

    @property
    def said_folder(self) -> str:
        """The recipe's folder as it is said on the screen."""


class FieldHelp(Painted):
    """What the field does, what goes wrong, what it takes, where the default comes from."""

    def rows(self, width: int, height: int) -> list[Row]:
        """The field under the cursor, or the section whose heading it is on."""
        screen = cast("Filling", self.screen)
        form, view = screen.form, screen.view
        if view is None:
            return []
        if form.section is not None:
            return _section_rows(form.section, width)
        if form.field is None:
            name = form.current.key if form.current else ""
            slip = view.slips.get(name)
            text = f"{slip.why}. {slip.do}" if slip else "Nothing is called that; esc shows all fields again."
            return [Row(line, "bad" if slip else "dim") for line in wrapped(text, width)]
        rows = field_rows(form.field, view, width)
        answer = screen.estimate.answer
        if answer is not None and form.field.name in estimating.FIELDS:
            rows += _fact("memory", estimating.parts_said(answer), width)
        return rows


def field_rows(field: Field, view: View, width: int) -> list[Row]:
    """All there is to say of a field, the mistake first."""
    takes = " ".join(part for part in (field.bounds, field.unit) if part)
    head = Row(field.label, "bright").add(f"  {field.name}", "dim")
    together = head.width + len(takes) + 2 <= width
    rows = [between(head, Row(takes, "dim"), width) if together else head]
    slip = view.slips.get(field.name)
    if slip is not None:
        text = " ".join(part for part in (one_line(slip.why).capitalize() + ".", one_line(slip.do)) if part)
        rows += [Row(line, "bad") for line in wrapped(text, width)]
    for finding in view.about(field.name):
        rows += [Row(line, SEVERITY_ROLE[finding.severity]) for line in wrapped(f"{finding.title}.", width)]
    rows += [Row(line) for line in wrapped(field.help, width)]
    if takes and not together and not field.choices:
        rows += _fact("takes", takes, width, "dim")
    if view.draft.against is not None and field.name in view.others:
        rows += _fact(view.draft.against.title, view.others[field.name] or "none", width, "warn")
    rows += _fact("risk", field.wrong, width)
    default = "none" if field.required else one_line(said(field.default)) or "none"
    rows += _fact("default", field.source if field.required else f"{default}.  {field.source}", width)
    return rows


def _section_rows(section: Section, width: int) -> list[Row]:
    names = ", ".join(field.label for field in section.fields)
    return [Row(section.title, "bright"), *(Row(line, "dim") for line in wrapped(f"{names}.", width))]


def _fact(label: str, text: str, width: int, role: str = "text") -> list[Row]:
    first, *rest = wrapped(text, max(width - _INDENT, 12))
    rows = [Row(one_line(label, _INDENT - 1).ljust(_INDENT), "dim").add(first, role)]
    return [*rows, *(Row(" " * _INDENT).add(line, role) for line in rest)]


class RecipeHead(Painted):
    """Which recipe this is, and whether its file has it all."""

    DEFAULT_CSS = "RecipeHead { height: 1; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        screen = cast("Filling", self.screen)
        view, glyphs = screen.view, self.tui.glyphs
        if view is None:
            return []
        draft = view.draft
        row = Row(one_line(draft.path.name if draft.path else "new recipe"), "bright")
        if draft.path is not None and screen.said_folder != ".":
            row.add(f"  in {one_line(screen.said_folder)}", "dim")
        right = Row()
        if draft.against is not None:
            count = len(view.others)
            said_ = f"{count} field{'s' * (count != 1)} differ{'s' * (count == 1)}" if count else "the same"
            right.add(f"{one_line(draft.against.title, 30)}: {said_}", "warn" if count else "dim").add("   ")
        if draft.dirty:
            right.add(f"{glyphs.severity['note']} not saved", "accent")
        elif draft.path is not None:
            right.add("saved", "dim")
        return [between(row, right, width)]


class MemoryLine(Painted):
    """What the run takes of memory, whether that fits, and the key that makes it fit."""

    DEFAULT_CSS = "MemoryLine { height: 1; display: none; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        answer = cast("Filling", self.screen).estimate.answer
        if answer is None:
            return []
        return [estimating.row(answer, self.tui.glyphs, width, self.tui.facts().key("fit"))]


class Readiness(Painted):
    """Whether it can start, and what it would come to; else what is in the way."""

    DEFAULT_CSS = "Readiness { height: 1; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        screen = cast("Filling", self.screen)
        view, glyphs = screen.view, self.tui.glyphs
        if view is None:
            return []
        if view.slips:
            count = len(view.slips)
            name, slip = next(iter(view.slips.items()))
            key = self.tui.facts().key("mistake")
            row = Row(f"{glyphs.severity['blocker']} {count} mistake{'s' * (count > 1)}", "bold bad")
            row.add(f"  {name}: {one_line(slip.why)}", "text")
            return [between(row, Row(f"{key} goes there", "dim"), width)]
        blockers = screen.preflight.blockers
        if blockers and screen.prospect.outlook is not None:
            return [self._stopped(blockers, width)]
        return [screen.prospect.row(glyphs, width, counts(screen.preflight.findings, glyphs))]

    def _stopped(self, blockers: list[Finding], width: int) -> Row:
        """The first thing that would stop the run, and the key that shows all."""
        glyphs = self.tui.glyphs
        row = Row(f"{glyphs.severity['blocker']} ", "bold bad").join(counts(blockers, glyphs))
        right = Row(f"{self.tui.facts().key('preflight')} shows it", "dim")
        row.add(f"  {one_line(blockers[0].title)}")
        return between(row.cut(max(width - right.width - 2, 8), glyphs.ellipsis), right, width)
