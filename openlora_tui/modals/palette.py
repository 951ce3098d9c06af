"""The palette: every action by its name, with its key, dimmed with the reason where it does nothing now."""

from __future__ import annotations

from openlora_tui.actions import ACTIONS, TABLE_OF, Action, in_palette, said
from openlora_tui.actions.places import BY_MODE
from openlora_tui.host import Host
from openlora_tui.modals.chooser import Chooser, Option, Question


def listed() -> list[Action]:
    """The actions of the palette."""
    return [action for action in ACTIONS if in_palette(action)]


def why_not(action: Action, tui: Host) -> str:
    """Why an action cannot be run from here now; empty where it can."""
    facts, table = tui.facts(), TABLE_OF[action.id]
    if table.name not in ("app", *tui.tables):
        place = BY_MODE.get(table.name)
        if place is None:
            return "This screen has nothing for it."
        return f"Only on the {place.title} screen: {facts.key(place.mode)} goes there."
    return tui.why_not(action, facts)


def palette(tui: Host) -> Chooser:
    """The palette as things stand."""
    facts = tui.facts()

    def option(action: Action) -> Option:
        refusal = why_not(action, tui)
        return Option(
            action.id,
            said(action, facts),
            facts.keys.get(action.id, ""),
            refusal=refusal,
            role="bright",
            help=refusal or action.help,
        )

    options = [option(action) for action in listed()]
    options.sort(key=lambda one: bool(one.refusal))
    return Chooser(
        Question(
            title="Commands",
            prompt="type a part of a command",
            empty="No command is called that.",
            options=lambda: options,
            typed=lambda text: None,
            about_rows=0,
            act="run",
        )
    )
