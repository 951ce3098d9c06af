"""Actions that are available everywhere: going to a place, and what concerns the whole app."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.needs import the_engine
from openlora_tui.actions.places import PLACES
from openlora_tui.actions.table import Action, Table

EVERYWHERE: Final = Table(
    "app",
    "Everywhere",
    (
        *(Action(place.mode, (place.key,), place.title, place.help, place.needs)
          for place in PLACES if place.key),
        Action("onward", ("right_square_bracket",), "onward",
               "Go to the next screen in the order of the work."),
        Action("back_one", ("left_square_bracket",), "back one",
               "Go to the screen before in the order of the work."),
        Action("new", ("n",), "new run", "Begin a run: pick a recipe, or a data file and a model.",
               changes=True),
        Action("chat_model", ("C",), "chat with a model", "Pick any model on this machine, and talk to it.",
               the_engine),
        Action("advisor", ("a", "f12"), "advisor",
               "Go to the advisor beside this place; in it, close it."),
        Action("palette", ("ctrl+p", "colon"), "commands", "Find any command by its name."),
        Action("doctor", ("exclamation_mark",), "doctor",
               "What this machine can do, and how to mend the rest."),
        Action("jump", ("ctrl+o", "J"), "jump", "Put a letter on everything that can be gone to."),
        Action("help", ("question_mark", "f1"), "help", "Show what the keys do here."),
        Action("theme", ("ctrl+t",), "theme", "Change to the next colour theme."),
        Action("themes", ("T",), "themes", "Look at all colour themes and choose one."),
        Action("back", ("q",), "back", "Go back; on the Runs screen, quit."),
        Action("leave", ("ctrl+q",), "quit", "Quit. A live run goes on unless you say otherwise.",
               always=True),
        Action("suspend", ("ctrl+z",), "suspend", "Go back to the shell for a while; `fg` returns.",
               always=True),
        Action("hint", ("ctrl+c",), "", "Never quits: says how to quit and how to stop a run."),
    ),
)  # fmt: skip
