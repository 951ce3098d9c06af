"""Actions of the Train screen; what they need of the chart and the run, the screen says itself."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.needs import a_run
from openlora_tui.actions.table import Action, Table

TRAIN: Final = Table(
    "train",
    "Train",
    (
        Action("marks", ("m",), "marks", "Step through what happened on the curve."),
        Action("mark_before", ("left",), "mark before", "The mark to the left."),
        Action("mark_after", ("right",), "mark after", "The mark to the right."),
        Action(
            "note",
            ("w",),
            "note",
            "Write a note at the chart: at the chosen mark, else at this step.",
            a_run,
            changes=True,
        ),
        Action("zoom", ("z",), "zoom", "Give the chart the whole screen, or take it back."),
        Action("closer", ("plus", "equals_sign"), "closer", "Show only the later half of the curve."),
        Action("farther", ("minus",), "farther", "Show twice as much of the curve."),
        Action("versus", ("v",), "compare", "Draw an earlier run on the same chart, or take it away again."),
        Action("align", ("percent_sign",), "align", "Lay it over this run by step, or by share of the run."),
        Action(
            "eaten", ("e",), "eaten", "Read the rows of a step: of the chosen mark, else the last.", a_run
        ),
        Action(
            "mend_run",
            ("enter",),
            "mend",
            "See the change that would mend the run, and have it made.",
            a_run,
            changes=True,
        ),
        Action("samples", ("t",), "samples", "Read all sample texts."),
        Action("findings", ("f",), "findings", "Read the findings: evidence, cause, remedy."),
        Action("log", ("l",), "log", "Read the log and the worker's last words.", a_run),
    ),
    beside=("run", "dialogue"),
    footer=(
        "mend_run",
        "pause",
        "save",
        "stop",
        "resume",
        "chat",
        "marks",
        "zoom",
        "samples",
        "log",
        "versus",
        "copy",
    ),
)
