"""Fields that are right one by one and exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from engine.recipe.recipe import PAIRED

Value = Callable[[str], Any]
"""The value of a field by its name."""


class Clash(msgspec.Struct, frozen=True):
    """Values that cannot be together."""

    field: str
    """The one that is told of."""
    why: str
    """Without a full stop, as a mistake in a single value is told."""
    do: str


def clashes(value: Value) -> Iterator[Clash]:
    """What in a recipe excludes each other, at most one clash for each field."""
    told = set()
    for rule in RULES:
        clash = rule(value)
        if clash is not None and clash.field not in told:
            told.add(clash.field)
            yield clash


def _two_widths(value: Value) -> Clash | None:
    if not (value("load_in_4bit") and value("load_in_8bit")):
        return None
    return Clash(
        "load_in_8bit", "load_in_4bit is on as well, and weights are held in one way", "Turn one off."
    )


def _biases_in_16_bits(value: Value) -> Clash | None:
    field = next((name for name in ("load_in_4bit", "load_in_8bit") if value(name)), None)
    if field is None or value("method") != "bitfit":
        return None
    why = f"bitfit tunes biases, and with {field} they are turned into 16 bits, where small steps are lost"
    return Clash("method", why, f"Set {field}: false, or method: lora.")


def _lengths_of_what_is_taken_out(value: Value) -> Clash | None:
    start = value("init_lora_weights")
    if not value("use_dora") or not start.startswith(("pissa", "olora", "loftq")):
        return None
    why = f"DoRA measures the weights, and init_lora_weights: {start} takes a part of them out"
    return Clash("use_dora", why, "Leave one of the two out.")


def _nothing_lost(value: Value) -> Clash | None:
    if value("init_lora_weights") != "loftq" or value("load_in_4bit"):
        return None
    why = "loftq makes up for what 4 bits have lost, and load_in_4bit is off"
    return Clash("init_lora_weights", why, "Set load_in_4bit: true, or another start such as pissa_niter_16.")


def _merges_nothing(value: Value) -> Clash | None:
    if not value("merge_adapter"):
        return None
    if value("adapter") is None:
        return Clash("merge_adapter", "no adapter is named that could be merged", "Name a run as `adapter`.")
    if value("method") != "lora":
        return Clash(
            "merge_adapter", f"a merged LoRA and {value('method')} cannot be saved as one", "Leave it out."
        )
    if value("load_in_4bit") or value("load_in_8bit"):
        why = "merging into quantised weights would round what was learnt away"
        return Clash("merge_adapter", why, "Leave it out: the adapter itself goes on learning.")
    if value("use_dora") or value("modules_to_save"):
        why = "a new adapter with use_dora or modules_to_save cannot be saved together with the merged one"
        return Clash("merge_adapter", why, "Leave one of them out.")
    return None


def _no_pairs(value: Value) -> Clash | None:
    if value("objective") not in PAIRED or value("data_format") in ("auto", "preference"):
        return None
    why = f"objective {value('objective')} takes pairs of a chosen and a rejected answer"
    return Clash("data_format", why, "Leave it out, or set it to preference.")


def _prompts_of_pairs(value: Value) -> Clash | None:
    if value("objective") not in PAIRED or value("train_on") != "all":
        return None
    why = f"objective {value('objective')} compares answers, and both have the same prompt"
    return Clash("train_on", why, "Leave it out.")


def _whole_and_held(value: Value) -> Clash | None:
    if value("method") != "full":
        return None
    for field in ("load_in_4bit", "load_in_8bit"):
        if value(field):
            return Clash("method", f"full changes all weights, and {field} keeps them as they are",
                         f"Set {field}: false, or method: lora.")  # fmt: skip
    if value("adapter"):
        return Clash("method", "full has no adapter to go on from", "Leave it out, or set method: lora.")
    return None


def _prefix_twice(value: Value) -> Clash | None:
    if value("method") != "prefix" or not value("gradient_checkpointing"):
        return None
    why = "prefix tuning hands its tokens over as a cache, and layers that compute twice take none"
    return Clash("gradient_checkpointing", why, "Set gradient_checkpointing: false, or method: prompt.")


def unspreadable(value: Value) -> str:
    """What of a recipe needs the base's weights whole on each device; empty where nothing does."""
    if value("method") != "lora":
        return f"method: {value('method')}"
    if value("objective") != "sft":
        return f"objective: {value('objective')}"
    if value("init_lora_weights") not in ("default", "gaussian"):
        return f"init_lora_weights: {value('init_lora_weights')}"
    on = ("load_in_4bit", "load_in_8bit", "use_dora", "merge_adapter", "modules_to_save")
    return next((field for field in on if value(field)), "")


def _spread_and_whole(value: Value) -> Clash | None:
    kept = unspreadable(value) if value("fsdp") == "always" else ""
    if not kept:
        return None
    return Clash("fsdp", f"{kept} needs the base whole on each device", "Set fsdp: never, or leave that out.")


RULES: Final[tuple[Callable[[Value], Clash | None], ...]] = (
    _two_widths,
    _biases_in_16_bits,
    _lengths_of_what_is_taken_out,
    _nothing_lost,
    _merges_nothing,
    _no_pairs,
    _prompts_of_pairs,
    _whole_and_held,
    _prefix_twice,
    _spread_and_whole,
)
"""Each says what it finds; the first to tell of a field is heard."""
