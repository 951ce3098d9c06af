"""What a person has to know of one recipe field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from engine.recipe.recipe import Recipe

Level = Literal["essential", "common", "expert"]
Section = Literal["what", "adapter", "optimisation", "device", "reporting"]
OnResume = Literal["safe", "changes", "refused"]
"""What another value means to a run that goes on from a checkpoint.

`safe`: it learns what it would have learnt. `changes`: it goes on with other mathematics. `refused`: it
cannot go on.
"""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table that makes the form, the command-line options, the YAML comments and the docs."""

    name: str
    label: str
    help: str
    """What the field does."""
    wrong: str
    """What goes wrong where it is set badly."""
    source: str
    """Where the default comes from."""
    section: Section
    on_resume: OnResume
    level: Level = "common"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float = 0.0
    """By how much a person usually varies a number; 0 for doubling and halving it."""
    choices: tuple[str, ...] = ()
    also: str = ""
    """An expression for what is accepted beside the choices."""
    methods: tuple[str, ...] = ()
    """The methods for which the field means something; all of them where it is empty."""
    spelt: Mapping[str, str] = {}
    """Other names of choices, and which they mean."""

    @property
    def default(self) -> Any:
        """The value where the recipe is silent; `msgspec.NODEFAULT` for the two required fields."""
        return _DEFAULTS[self.name]

    @property
    def required(self) -> bool:
        """True for the fields that a recipe cannot leave out."""
        return self.default is msgspec.NODEFAULT

    @property
    def bounds(self) -> str:
        """The accepted values for people, such as `1 to 1,000`; empty where anything goes."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{_plain(self.low)} to {_plain(self.high)}"
        if self.low is not None:
            return f"{_plain(self.low)} or more"
        return ""


def _plain(bound: float) -> str:
    """`1,000`, and `1e-8` rather than `1e-08`."""
    return f"{bound:,.12g}".replace("e-0", "e-")


def _defaults() -> dict[str, Any]:
    found = {}
    for info in msgspec.structs.fields(Recipe):
        has_factory = info.default_factory is not msgspec.NODEFAULT
        found[info.name] = info.default_factory() if has_factory else info.default
    return found


_DEFAULTS: Final = _defaults()
