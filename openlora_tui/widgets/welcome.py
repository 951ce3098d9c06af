"""What the Runs screen says while there is no run: what this is for, and the keys that begin."""

from __future__ import annotations

from typing import Final

from engine.messages import Machine
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.actions.table import Facts
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_EDGE: Final = 2
_KEY: Final = 4
_TITLE: Final = 15
_WHAT: Final = "Tune a language model on your own data, and talk to what comes of it."
_LISTED: Final = "Each run is listed here, and goes on when this window closes."


def welcome_rows(facts: Facts, machine: Machine | None, width: int) -> list[Row]:
    """The first screen of a new user."""
    choices = (
        ("demo", "see it happen", "A small model is made here and tuned, in two minutes."),
        ("new", "start", "Pick a file of yours and a model; defaults are sound."),
        ("help", "keys", f"What they do here; {facts.key('palette')} finds any command."),
    )
    rows = [Row(), Row("  Welcome to OpenLoRA", "bright"), *_text(_WHAT, width), Row()]
    for id, title, text in choices:
        rows += _choice(facts.key(id), title, text, width)
    return [*rows, Row(), *_text(_machine(machine), width), *_text(_LISTED, width)]


def _choice(key: str, title: str, text: str, width: int) -> list[Row]:
    indent = _EDGE + _KEY + _TITLE
    first, *rest = wrapped(text, width - indent)
    row = Row(" " * _EDGE + key.ljust(_KEY), "bold accent").add(title.ljust(_TITLE), "bright")
    return [row.add(first), *(Row(" " * indent + line) for line in rest)]


def _text(text: str, width: int) -> list[Row]:
    return [Row(" " * _EDGE + line, "dim") for line in wrapped(text, width - 2 * _EDGE)] if text else []


def _machine(machine: Machine | None) -> str:
    if machine is None:
        return ""
    if machine.gpus:
        cards = ", ".join(f"{one_line(gpu.name)} ({figures.size(gpu.total)})" for gpu in machine.gpus[:4])
        return f"{cards} here."
    cores = f"{machine.cores} core{'s' if machine.cores != 1 else ''}"
    memory = figures.size(machine.ram_total)
    return f"{cores}, {memory}, no NVIDIA card: small models train here."
