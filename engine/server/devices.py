"""Which device a job may take: one job to a device."""

from __future__ import annotations

import re

from engine.messages import Gpu, JobContext
from engine.problem import Problem
from engine.recipe import Recipe

CPU = "cpu"


def candidates(recipe: Recipe, context: JobContext, cards: list[Gpu]) -> list[str]:
    """The devices that the recipe accepts, first choice first: `cpu`, or `cuda:N` with N in NVML's order.

    Raises:
        Problem: where the recipe names a card that is not there or not visible to the job.
    """
    wanted = str(recipe.devices).strip().lower()
    if wanted == CPU:
        return [CPU]
    seen = visible(context, cards)
    if wanted == "auto":
        return seen or [CPU]
    named = f"cuda:{wanted.removeprefix('cuda:')}"
    if named in seen:
        return [named]
    raise Problem(
        f"The device {named} is not there.",
        where="devices",
        why=f"This machine offers {', '.join(seen) or 'no NVIDIA card'} to the job.",
        do="Set `devices` to auto, cpu or one of these.",
    )


def visible(context: JobContext, cards: list[Gpu]) -> list[str]:
    """The cards that the job may see, by `CUDA_VISIBLE_DEVICES` of its front end."""
    setting = context.env.get("CUDA_VISIBLE_DEVICES")
    return [f"cuda:{card.index}" for card in cards] if setting is None else _chosen(setting, cards)


def environment_for(device: str, cards: list[Gpu]) -> dict[str, str]:
    """The variables that show a job its device and no other."""
    if device == CPU:
        return {"CUDA_VISIBLE_DEVICES": ""}
    card = cards[int(device.removeprefix("cuda:"))]
    return {"CUDA_VISIBLE_DEVICES": card.uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def _chosen(setting: str, cards: list[Gpu]) -> list[str]:
    chosen = []
    for part in re.split(r"[,\s]+", setting.strip()):
        meant = [card.index for card in cards if _means(part, card)]
        if len(meant) != 1:
            break  # CUDA itself stops at the first name that it does not know
        chosen.append(f"cuda:{meant[0]}")
    return chosen


def _means(name: str, card: Gpu) -> bool:
    """True where CUDA takes `name` for the card: its number, or the beginning of its UUID."""
    return name == str(card.index) or (name.startswith("GPU-") and card.uuid.startswith(name))
