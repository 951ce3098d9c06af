"""Actions of the Recipe screen; what they need of the draft, the screen says itself."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.needs import the_engine
from openlora_tui.actions.table import Action, Table

RECIPE: Final = Table(
    "recipe",
    "Recipe",
    (
        Action("edit", ("enter",), "edit", "Type the value, pick it from a list, or open the section."),
        Action("retype", ("i",), "type", "Type the value even where there is something to pick."),
        Action("more", ("plus", "equals_sign", "right"), "more",
               "The next value: doubled, a step up, or the next choice. space does it for yes and no."),
        Action("less", ("minus", "left"), "less", "The value before: halved, a step down, another choice."),
        Action("default", ("x",), "default", "Back to the default."),
        Action("add", ("A",), "add a file", "Add a file to the data, or to the evaluation data."),
        Action("undo", ("u",), "undo", "Take the last change back."),
        Action("redo", ("ctrl+r",), "redo", "Do again what was taken back."),
        Action("fold", ("z",), "fold", "Open or close all sections."),
        Action("mistake", ("m",), "mistake", "Go to the next mistake."),
        Action("preflight", ("f",), "findings", "Read what would stop or spoil the run, and change it."),
        Action("apply_patch", ("p",), "mend", "Make the change that mends what was found about this field.",
               changes=True),
        Action("fit", ("F",), "fit", "Make the change with which the run fits in memory.", changes=True),
        Action("recommend", ("R",), "recommend",
               "Values for this model and data, each with its reason; take one or all of them.", the_engine),
        Action("start", ("s",), "start", "Queue a run of this recipe; it need not be saved.", the_engine,
               changes=True),
        Action("find_rate", ("l",), "find rate", "Find a learning rate by a short test; asks first.",
               the_engine, changes=True),
        Action("search", ("t",), "search", "Try rates, ranks and alphas for a few steps each; asks first.",
               the_engine, changes=True),
        Action("write", ("w", "ctrl+s"), "save", "Save the recipe to its file.", changes=True),
        Action("write_as", ("W",), "save as", "Save under another name, and go on with that file.",
               changes=True),
        Action("load", ("o",), "open", "Open another recipe, or the recipe of an earlier run."),
        Action("drop", ("D",), "drop", "Drop all that is not saved; asks first.", changes=True),
        Action("editor", ("e",), "$EDITOR", "Edit the recipe as text in $EDITOR.", changes=True),
        Action("compare", ("d",), "compare", "Mark what differs from an earlier run; again to end it."),
        Action("command", ("y",), "command", "Show the same as a command line, and copy it."),
    ),
    beside=("find", "dialogue"),
    footer=("edit", "start", "mistake", "preflight", "apply_patch", "recommend", "write", "undo", "more",
            "command", "load"),
)  # fmt: skip
