"""The palette: every action by its name, with its key, dimmed with the reason where it does nothing now."""

from __future__ import annotations

from openlora_tui.actions import ACTIONS, Action, Facts, said
from openlora_tui.modals.chooser import Chooser, Option, Question

_NOT_LISTED = ("move", "page", "dialogue")


def listed() -> list[Action]:
    """The actions that a palette can run: all but moving about, and the palette itself."""
    return [a for a in ACTIONS if a.where not in _NOT_LISTED and a.id not in ("palette", "hint")]


def why_not(action: Action, facts: Facts) -> str:
    """Why an action cannot be run from here now; empty where it can."""
    if action.where in ("runs", "find") and facts.place != "runs":
        return "Only on the Runs screen: 1 goes there."
    if action.where == "train" and facts.place != "train":
        return "Only on the Train screen: 4 goes there."
    return action.needs(facts)


def palette(facts: Facts) -> Chooser:
    """The palette as things stand."""

    def option(action: Action) -> Option:
        refusal = why_not(action, facts)
        return Option(
            action.id,
            said(action, facts),
            action.key,
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
