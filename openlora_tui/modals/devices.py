"""On which devices a waiting run is to start."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from engine.leases.asked import asked
from engine.leases.cards import device_of
from engine.messages import Gpu, RunRow
from engine.text import amount, one_line
from openlora_tui.modals.chooser import Chooser, Option, Question
from openlora_tui.widgets.painted import Row

RECIPE: Final = "recipe"
"""What is chosen to undo a pin."""


def pin_to(run: RunRow, cards: Sequence[Gpu]) -> Chooser:
    """A card, several, the CPU, or what the recipe says."""
    return Chooser(
        Question(
            title=f"Start {one_line(run.name, 40) or run.run} on",
            prompt="filter, or type cards such as 0,1 or GPU-8f3a, or a number of them",
            empty="This machine has no NVIDIA card.",
            options=partial(_options, cards),
            typed=_typed,
            about_rows=2,
            act="pin",
        )
    )


def _options(cards: Sequence[Gpu]) -> list[Option]:
    known = [Option(RECIPE, "what the recipe says"), Option("auto", "auto", help="the first that is free")]
    for card in cards:
        free = f"{amount(max(card.total - card.used, 0))} of {amount(card.total)} free"
        device = device_of(card)
        known.append(
            Option(device, device, free, [Row(one_line(card.uuid), "dim")], help=one_line(card.name, 40))
        )
    return [*known, Option("cpu", "cpu", help="without a card")]


def _typed(text: str) -> Option | None:
    try:
        wanted = asked(text)
    except ValueError as error:
        why, do = error.args
        about = [Row(f"{why}."), Row(do, "dim")]
        return Option(text, text, refusal=f"{why}.", about=about) if any(map(str.isdigit, text)) else None
    many = f"any {wanted.count} cards" if not wanted.names and not wanted.cpu else "as typed"
    return Option(text.strip(), one_line(text), help=many)
