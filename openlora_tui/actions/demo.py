"""Actions of the Demo screen."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.table import Action, Table

DEMO: Final = Table(
    "demo",
    "Demo",
    (
        Action("open_demo", ("enter",), "the run", "Open the demo's run in Train."),
        Action("again", ("R",), "again", "Tell the story once more; the model is kept.", changes=True),
    ),
    beside=("run",),
    footer=("chat", "open_demo", "stop", "again", "new", "runs"),
)
