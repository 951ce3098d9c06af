"""The cards that a job may see, and what one or several of them are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from engine.leases.asked import CPU, Asked
from engine.messages import Gpu
from engine.problem import Problem

_CUDA: Final = "cuda:"


class Lease(msgspec.Struct, frozen=True):
    """What a job has been given: cards, or the CPU where there are none, with a rank for each."""

    cards: tuple[Gpu, ...] = ()
    ranks: int = 1

    @property
    def name(self) -> str:
        """`cpu`, `cpu:2`, `cuda:0`, `cuda:0,3`, or `cuda:0:1` for an instance of a MIG card."""
        if not self.cards:
            return CPU if self.ranks == 1 else f"{CPU}:{self.ranks}"
        return _CUDA + ",".join(device_of(card).removeprefix(_CUDA) for card in self.cards)

    @property
    def shown(self) -> dict[str, str]:
        """The variables that show a job its devices and no other."""
        if not self.cards:
            return {"CUDA_VISIBLE_DEVICES": ""}
        uuids = ",".join(card.uuid for card in self.cards)
        return {"CUDA_VISIBLE_DEVICES": uuids, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def device_of(card: Gpu) -> str:
    """The card for people: `cuda:N` with N in NVML's order."""
    return f"{_CUDA}{card.index}" if card.instance is None else f"{_CUDA}{card.index}:{card.instance}"


def devices_in(name: str) -> list[str]:
    """The devices of a lease by its name, each as `device_of` calls it; `cpu` for any ranks of it."""
    if name.startswith(CPU):
        return [CPU]
    if not name.startswith(_CUDA):
        return [name]
    return [_CUDA + part for part in name.removeprefix(_CUDA).split(",")]


def ranks_in(name: str) -> int:
    """How many ranks the lease of that name has."""
    if name.startswith(f"{CPU}:"):
        return int(name.removeprefix(f"{CPU}:"))
    return len(devices_in(name))


def visible(env: Mapping[str, str], cards: Sequence[Gpu]) -> list[Gpu]:
    """The cards that a job may see, by its `CUDA_VISIBLE_DEVICES`, in that order."""
    setting = env.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return list(cards)
    chosen: list[Gpu] = []
    for part in re.split(r"[,\s]+", setting.strip()):
        meant = [card for card in cards if _means(part, card)]
        if len(meant) != 1:
            break  # CUDA itself stops at the first name that it does not know
        chosen.append(meant[0])
    return chosen


def offered(wanted: Asked, env: Mapping[str, str], cards: Sequence[Gpu]) -> list[Gpu]:
    """The cards of which the job is to get `wanted.count`; empty where it is to get the CPU.

    Raises:
        Problem: cards that it asks for are not there, or are not shown to it.
    """
    if wanted.cpu:
        return []
    seen = visible(env, cards)
    found = [_named(name, seen) for name in wanted.names] if wanted.names else seen
    if wanted.auto:
        return found
    if len(found) < wanted.count:
        few = f"{len(found)} of them" if len(found) != 1 else "one"
        raise Problem(
            f"{wanted.count} cards are not there." if wanted.count > 1 else "There is no card.",
            where="devices",
            why=f"This machine offers {few} to the job: {_listed(found)}." if found else _none(),
            do="Set `devices` to auto, cpu, or as many as are there.",
        )
    if wanted.count > 1 and any(card.instance is not None for card in found):
        # NVIDIA's MIG guide: one process sees one instance, and instances cannot speak with each other.
        raise Problem(
            "Instances of a MIG card cannot share a run.",
            where="devices",
            why="CUDA shows a process one instance, and NCCL connects none.",
            do="Set `devices` to one of them, or switch MIG off for this card.",
        )
    return found


def _named(name: str, seen: list[Gpu]) -> Gpu:
    meant = [card for card in seen if _means(name, card)]
    if len(meant) == 1:
        return meant[0]
    called = f"cuda:{name}" if name[0].isdigit() else name
    raise Problem(
        f"The device {called} is not there." if not meant else f"{called} could be several cards.",
        where="devices",
        why=f"This machine offers {_listed(seen)} to the job." if seen else _none(),
        do="Set `devices` to auto, cpu or one of these.",
    )


def _means(name: str, card: Gpu) -> bool:
    """True where CUDA takes `name` for the card: its number, or the beginning of its UUID."""
    if name.startswith(("GPU-", "MIG-")):
        return card.uuid.startswith(name)
    if card.instance is None:
        return name == str(card.index)
    return name == f"{card.index}:{card.instance}" or (name == str(card.index) and card.instance == 0)


def _listed(cards: list[Gpu]) -> str:
    return ", ".join(map(device_of, cards))


def _none() -> str:
    return "This machine offers no NVIDIA card to the job."
