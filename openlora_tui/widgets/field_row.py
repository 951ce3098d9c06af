"""One field of the form in one line: its mark, label, value with the unit, and where that comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len

from engine.findings import SEVERITIES, Finding
from engine.recipe import Field
from engine.recipe.places import PATHS
from engine.text import one_line
from openlora_tui.draft import Draft, Slip, said
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.nudge import can_step
from openlora_tui.sections import Section
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.wrap import tail

LABEL: Final = 25
"""Cells of the label."""
VALUE_AT: Final = 2 + LABEL
"""Column in which a value begins, its mark and label before it."""
_WIDE: Final = 100
_NOTE: Final = 34


@dataclass(frozen=True)
class View:
    """The draft as it is painted: what is wrong with it, and what differs from the run compared with."""

    draft: Draft
    slips: dict[str, Slip] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    """What the check of the recipe has found."""

    def about(self, name: str) -> list[Finding]:
        """The findings that another value of the field would mend."""
        return [found for found in self.findings if found.patch is not None and name in found.patch.recipe]


def heading_row(section: Section, view: View, open_: bool, glyphs: Glyphs) -> Callable[[int], Row]:
    """A section's line: how much it holds, and what of it is changed, wrong or different."""

    def write(width: int) -> Row:
        row = Row(f"{glyphs.opened if open_ else glyphs.closed} ", "dim").add(section.title, "bright")
        names = [one.name for one in section.fields]
        wrong = sum(name in view.slips for name in names)
        changed = [one.label for one in section.fields if _changed(view, one)]
        other = sum(name in view.others for name in names)
        note = Row()
        if wrong:
            note.add(f"{glyphs.severity['blocker']} {wrong} wrong  ", "bad")
        noticed = [found for name in names for found in view.about(name)] if not open_ else []
        if noticed:
            worst = min(noticed, key=lambda found: SEVERITIES.index(found.severity)).severity
            told = f"{glyphs.severity[worst]} {len(noticed)} finding{'s' * (len(noticed) > 1)}  "
            note.add(told, SEVERITY_ROLE[worst])
        if other:
            note.add(f"{glyphs.severity['warning']} {other} different  ", "warn")
        if changed and not open_:
            note.add(f"{glyphs.severity['note']} {one_line(', '.join(changed), 40)}  ", "accent")
        if not open_:
            note.add(f"{len(names)} field{'s' * (len(names) > 1)}", "dim")
        return between(row, note, width)

    return write


def field_row(one: Field, view: View, glyphs: Glyphs, here: Callable[[], bool]) -> Callable[[int], Row]:
    """A field's line; `here` says whether the cursor is on it."""

    def write(width: int) -> Row:
        mark, role = _mark(one, view, glyphs)
        note = _note(one, view, width)
        row = Row(f"{mark} ", role).add(one.label.ljust(LABEL)[:LABEL], "dim")
        room = max(width - VALUE_AT - note.width - 1, 6)
        return between(row.join(_value(one, view, room, here(), glyphs)), note, width)

    return write


def stray_row(name: str, slip: Slip, glyphs: Glyphs) -> Callable[[int], Row]:
    """A line of the file that names no field."""
    return lambda width: Row(f"{glyphs.severity['blocker']} ", "bad").add(
        f"{one_line(slip.why)}. {one_line(slip.do)}", "bad"
    )


def _changed(view: View, one: Field) -> bool:
    return not one.required and view.draft.changed(one.name)


def _mark(one: Field, view: View, glyphs: Glyphs) -> tuple[str, str]:
    if one.name in view.slips:
        return glyphs.severity["blocker"], "bad"
    if noticed := view.about(one.name):
        return glyphs.severity[noticed[0].severity], SEVERITY_ROLE[noticed[0].severity]
    if one.name in view.others:
        return glyphs.severity["warning"], "warn"
    return (glyphs.severity["note"], "accent") if _changed(view, one) else (" ", "dim")


def _value(one: Field, view: View, room: int, here: bool, glyphs: Glyphs) -> Row:
    draft = view.draft
    text = one_line(draft.shown(one.name))
    if text in ("", "[]"):
        return Row("none yet", "warn") if one.required else Row("none", "dim")
    if one.name in view.slips:
        return Row(text, "bad").cut(room, glyphs.ellipsis)
    value = draft.value(one.name)
    if one.name == "max_steps" and value <= 0:
        return Row("as the epochs make", "dim")
    if isinstance(value, int) and not isinstance(value, bool) and one.name != "seed":
        text = f"{value:,}"
    role = "bright" if one.required or _changed(view, one) else "text"
    if one.name in PATHS:
        text = tail(text, room)
    row = Row(text, role)
    if one.unit:
        row.add(f" {one.unit}", "dim")
    if here and can_step(one):
        row.add("  ").add("- +" if not one.choices and not isinstance(value, bool) else "< >", "faint")
    return row if row.width <= room else Row(text, role).cut(room, glyphs.ellipsis)


def _note(one: Field, view: View, width: int) -> Row:
    """What the right edge says: the mistake, the other run's value, or the default."""
    room = min(_NOTE, max(width - VALUE_AT - 12, 8))
    slip = view.slips.get(one.name)
    if slip is not None and one.required and not view.draft.shown(one.name):
        return Row("enter picks one", "dim")
    if slip is not None:
        return Row(one_line(slip.why), "bad").cut(room)
    if one.name in view.others and view.draft.against is not None:
        theirs = view.others[one.name] or "none"
        if one.name in PATHS:
            theirs = tail(theirs, max(room - cell_len(view.draft.against.title) - 2, 6))
        return Row(f"{view.draft.against.title}: ", "dim").add(one_line(theirs), "warn").cut(room)
    if one.required:
        return Row()
    if _changed(view, one):
        return Row(f"default {one_line(said(one.default)) or 'none'}", "dim").cut(room)
    if width < _WIDE:
        return Row("default", "faint")
    return Row(one.source.rstrip("."), "faint").cut(width - VALUE_AT - _NOTE)
