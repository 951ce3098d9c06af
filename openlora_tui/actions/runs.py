"""Actions on a run, wherever one is shown, and those of the Runs screen."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.needs import (
    a_run,
    an_adapter,
    deletable,
    live,
    repairable,
    resumable,
    stoppable,
    the_engine,
    waiting,
    working,
)
from openlora_tui.actions.table import Action, Table

RUN: Final = Table(
    "run",
    "The run: the selected one in Runs, the open one in Train",
    (
        Action("pause", ("p",), "pause", "Pause or continue the run; a pause keeps the device.", working,
               changes=True),
        Action("save", ("s",), "save", "Write a checkpoint now.", working, changes=True),
        Action("stop", ("S",), "stop", "Stop the run after saving; asks first.", stoppable, changes=True),
        Action("kill", ("K",), "kill", "End the run at once without saving; asks first.", live, changes=True),
        Action("resume", ("r",), "resume", "Go on from the last checkpoint; give a finished run more epochs.",
               resumable, changes=True),
        Action("retry", ("M",), "retry", "Mend: begin a linked run with what may help one that failed.",
               repairable, changes=True),
        Action("hold", ("H",), "hold", "Hold a waiting run, or release it to start when its turn comes.",
               waiting, changes=True),
        Action("sooner", ("less_than_sign",), "sooner", "Let a waiting run start before the one ahead of it.",
               waiting, changes=True),
        Action("later", ("greater_than_sign",), "later", "Let a waiting run start after the one behind it.",
               waiting, changes=True),
        Action("pin", ("P",), "pin", "Choose on which devices a waiting run starts.", waiting, changes=True),
        Action("rate", ("b",), "rate", "Lower the learning rate while the run goes on.", working,
               changes=True),
        Action("chat", ("c",), "chat", "Talk to what the run left, with its adapter and without it.",
               an_adapter),
        Action("copy", ("y",), "copy", "Copy the adapter's path, or the run's id before that.", a_run),
    ),
)  # fmt: skip
RUNS: Final = Table(
    "runs",
    "Runs",
    (
        Action("open", ("enter",), "open", "Open the selected run in Train.", a_run),
        Action("mark_run", ("m",), "mark", "Mark the run, or take the mark away, for comparing.", a_run),
        Action("side_by_side", ("v",), "compare", "The marked runs side by side, or the marked one and this.",
               a_run),
        Action("label", ("t",), "tag", "Give the run tags, a note, another name.", a_run, changes=True),
        Action("demo", ("D",), "demo", "See it happen: make a small model here and tune it, in two minutes.",
               the_engine, changes=True),
        Action("stop_all", ("A",), "stop all", "Stop every live run after saving; asks first.", the_engine,
               changes=True),
        Action("storage", ("u",), "disk use", "What takes room on the disk, and what of it can go."),
        Action("delete", ("d",), "delete", "Delete the run and its checkpoints; asks first.", deletable,
               changes=True),
    ),
    beside=("run", "find"),
    footer=("open", "new", "chat", "pause", "resume", "stop", "delete", "hold"),
)  # fmt: skip
