"""Actions of the Chat screen: keys that a terminal sends while a text is typed."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.table import Action, Table

CHAT: Final = Table(
    "chat",
    "Chat",
    (
        Action("say", ("enter", "i"), "send", "Send the prompt; beside the line, go back to typing."),
        Action("new_line", ("ctrl+j",), "new line", "Begin a new line in the prompt."),
        Action("stop_answer", ("escape",), "stop, leave",
               "Stop the answer, else leave the line, then the chat."),
        Action("sides", ("tab",), "base/adapter", "Let both answer, only the adapter, or only the model."),
        Action("ask_again", ("ctrl+r",), "again",
               "Ask the last prompt once more; after a failure, try again."),
        Action("fresh", ("ctrl+n",), "new chat", "Forget what was said and begin anew."),
        Action("sampling", ("ctrl+g",), "sampling",
               "Set the temperature and its like, the longest answer, and a system turn."),
        Action("form", ("f8",), "prompt form",
               "Write prompts as turns of the chat template, or as typed, each by itself."),
        Action("copy_answer", ("y",), "copy", "Copy the last answer, once the line is left."),
        Action("keep", ("ctrl+s",), "save", "Save what was said to a file, as rows to train on.",
               changes=True),
    ),
    footer=("say", "stop_answer", "sides", "ask_again", "sampling", "fresh", "copy_answer"),
)  # fmt: skip
