"""Actions of what is moved in, searched or closed: lists, pages and dialogues."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.table import Action, Table

MOVE: Final = Table(
    "move",
    "Lists and pages",
    (
        Action("down", ("j", "down"), "down", "Next line."),
        Action("up", ("k", "up"), "up", "Line before."),
        Action("half_down", ("ctrl+d",), "half down", "Half a page down."),
        Action("half_up", ("ctrl+u",), "half up", "Half a page up."),
        Action("page_down", ("pagedown", "space"), "page down", "A page down."),
        Action("page_up", ("pageup",), "page up", "A page up."),
        Action("top", ("g", "home"), "top", "First line."),
        Action("bottom", ("G", "end"), "bottom", "Last line."),
    ),
)
FIND: Final = Table(
    "find",
    "Filter and search",
    (Action("find", ("slash",), "find", "Filter the list, or search in the page."),),
)
PAGE: Final = Table(
    "page",
    "Pages of text",
    (
        Action("find_next", ("n",), "next", "Next place found."),
        Action("find_before", ("N",), "before", "Place found before."),
    ),
)
DIALOGUE: Final = Table(
    "dialogue",
    "Dialogues",
    (Action("close", ("escape",), "close", "Close the dialogue, the search or the zoom."),),
)
