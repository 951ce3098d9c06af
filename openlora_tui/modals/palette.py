"""The palette: actions with their keys, dimmed with the reason where they do nothing now, themes and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.messages import RunRow
from engine.text import one_line
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


def _actions(tui: Host) -> list[Option]:
    facts = tui.facts()

    def option(action: Action) -> Option:
        refusal = why_not(action, tui)
        key = facts.keys.get(action.id, "")
        return Option(
            action.id, said(action, facts), key, refusal=refusal, role="bright", help=refusal or action.help
        )

    return sorted((option(action) for action in listed()), key=lambda one: bool(one.refusal))


def _themes(tui: Host) -> list[Option]:
    return [Option(f"theme:{name}", name, "theme", help="Wear this theme.") for name in tui.wardrobe.offered]


def _runs(tui: Host) -> list[Option]:
    def option(row: RunRow) -> Option:
        about = f"Open it: {row.status}, {one_line(row.model)}."
        return Option(f"run:{row.run}", one_line(row.name), "run", help=about)

    return [option(row) for row in tui.session.newest_first()]


def _recipes(tui: Host) -> list[Option]:
    from openlora_tui.modals.walking import shown, walk

    paths = [path for path in walk(tui.folder) if path.suffix in (".yaml", ".yml")]
    return [Option(f"recipe:{path}", shown(path, tui.folder), "recipe", help="Open it.") for path in paths]


def _fields(tui: Host) -> list[Option]:
    from engine.recipe import FIELDS

    return [Option(f"field:{one.name}", one.label, "field", help=f"{one.name}: {one.help}") for one in FIELDS]


SOURCES: Final[list[Callable[[Host], list[Option]]]] = [_themes, _runs, _recipes, _fields]
"""What else can be found by its name, read in a thread; the app answers `kind:rest` by `pick_kind(rest)`."""


def palette(tui: Host) -> Chooser:
    """The palette as things stand."""
    commands = _actions(tui)
    return Chooser(
        Question(
            title="Find anything",
            prompt="type a part of a command, a run, a recipe, a field or a theme",
            empty="Nothing is called that.",
            options=lambda: [*commands, *(option for source in SOURCES for option in source(tui))],
            typed=lambda text: None,
            about_rows=0,
            act="go",
        )
    )
