"""What an action is, and what decides whether it is available now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.messages import RunRow


class Facts(msgspec.Struct, frozen=True):
    """What the availability of an action may depend on anywhere; a place knows the rest (`Place.why_not`)."""

    place: str = ""
    pane: str = ""
    """The table of a pane beside the place that has the cursor."""
    trouble: str = ""
    """Why the engine does not hear us; empty while it does."""
    row: RunRow | None = None
    """The run that actions are about: the selected one in Runs, else the open one."""
    keys: Mapping[str, str] = {}
    """The first key of each action that has one, as it is written on a screen."""

    def key(self, id: str) -> str:
        """What a person presses for an action, for use in a sentence; one without a key is in the palette."""
        return self.keys.get(id) or f"{self.keys.get('palette', ':')} {id.replace('_', ' ')}"


Needs = Callable[[Facts], str]


def nothing(facts: Facts) -> str:
    """Always available."""
    return ""


class Action(msgspec.Struct, frozen=True):
    """One thing that a person can do."""

    id: str
    keys: tuple[str, ...]
    label: str
    """One or two words, for the footer."""
    help: str
    needs: Needs = nothing
    """Says why the action is not available now; empty where it is."""
    changes: bool = False
    """Starts, ends, writes or deletes something: refused by `--readonly`."""
    always: bool = False
    """Heard while a text is typed and over any dialogue."""


class Table(msgspec.Struct, frozen=True):
    """The actions of one place or of one kind of widget."""

    name: str
    title: str
    actions: tuple[Action, ...]
    beside: tuple[str, ...] = ()
    """The tables that a screen with this one binds too."""
    footer: tuple[str, ...] = ()
    """What the foot of a place may name, in its order; actions of other tables too."""
