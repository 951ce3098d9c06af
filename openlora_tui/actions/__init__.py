"""Everything a key can do, in one registry: it makes bindings, footer, help, palette and docs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual.binding import Binding, BindingType

from openlora_tui.actions.advisor import ADVISOR
from openlora_tui.actions.chat import CHAT
from openlora_tui.actions.data import DATA
from openlora_tui.actions.demo import DEMO
from openlora_tui.actions.everywhere import EVERYWHERE
from openlora_tui.actions.keys import shown
from openlora_tui.actions.moving import DIALOGUE, FIND, MOVE, PAGE
from openlora_tui.actions.recipe import RECIPE
from openlora_tui.actions.runs import RUN, RUNS
from openlora_tui.actions.table import Action, Facts, Table
from openlora_tui.actions.train import TRAIN

__all__ = ["ACTIONS", "BY_ID", "TABLES", "TABLE_OF", "Action", "Facts", "Table", "bindings", "footer",
           "in_palette", "moves", "of", "said", "shown", "tables"]  # fmt: skip

_ALL: Final = (EVERYWHERE, RUN, RUNS, DATA, RECIPE, TRAIN, CHAT, DEMO, ADVISOR, MOVE, FIND, PAGE, DIALOGUE)
TABLES: Final = {table.name: table for table in _ALL}
"""A file for each place; a place's table bears the name of its mode."""
ACTIONS: Final = tuple(action for table in TABLES.values() for action in table.actions)
BY_ID: Final = {action.id: action for action in ACTIONS}
TABLE_OF: Final = {action.id: table for table in TABLES.values() for action in table.actions}


def said(action: Action, facts: Facts) -> str:
    """The label as the run stands: a paused run is continued, a finished one trains on."""
    row = facts.row
    if row is not None and action.id == "pause" and row.status == "paused":
        return "continue"
    if row is not None and action.id == "resume" and row.status == "succeeded":
        return "train on"
    return "release" if row is not None and action.id == "hold" and row.held else action.label


def of(*names: str) -> list[Action]:
    """The actions of some tables, in their order."""
    return [action for table in TABLES.values() if table.name in names for action in table.actions]


def tables(place: str) -> tuple[str, ...]:
    """The tables that the screen of a place binds, its own first."""
    return (place, *TABLES[place].beside)


def in_palette(action: Action) -> bool:
    """True for what a palette can run: all but moving about, and the palette itself."""
    return TABLE_OF[action.id].name not in ("move", "page", "dialogue") and action.id not in (
        "palette",
        "hint",
    )


def bindings(*names: str) -> list[BindingType]:
    """Bindings of a screen or of the app; all go through the app, which knows whether they apply now."""
    return [_binding(action, f"app.do('{action.id}')") for action in of(*names)]


def moves(*, find: bool = False) -> list[BindingType]:
    """Bindings of a widget that can be moved in; they call its own `action_...` methods."""
    wanted = ("move", "find", "page") if find else ("move",)
    return [_binding(action, action.id) for action in of(*wanted)]


def _binding(action: Action, call: str) -> Binding:
    keys = ",".join(action.keys)
    return Binding(
        keys, call, action.label, show=False, tooltip=action.help, id=action.id, priority=action.always
    )


def footer(facts: Facts, why_not: Callable[[Action], str]) -> list[Action]:
    """At most six actions for the foot of a place: those available now before those that are not."""
    table = TABLES.get(facts.pane or facts.place)
    wanted = [BY_ID[id] for id in table.footer if id in facts.keys] if table is not None else []
    able = [action for action in wanted if not why_not(action)]
    if facts.row is None:
        wanted = able
    chosen = [*able, *(action for action in wanted if action not in able)][:5]
    return [*(action for action in wanted if action in chosen), BY_ID["help"]]
