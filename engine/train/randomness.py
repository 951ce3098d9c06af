"""The random numbers that training draws (dropout, and nothing else), kept across a resume."""

from __future__ import annotations

from typing import Any

import torch

from engine.train.machine import Machine


def seed_training(seed: int, machine: Machine) -> None:
    """Begin a stream of random numbers of this rank's own."""
    torch.manual_seed(seed + 1_000_003 * machine.rank)


def state(machine: Machine) -> dict[str, Any]:
    """The random states of the CPU and, where it is used, of the GPU."""
    found = {"cpu": torch.get_rng_state()}
    if machine.device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(machine.device)
    return found


def restore(saved: dict[str, Any], machine: Machine) -> None:
    """Take back what `state` returned."""
    torch.set_rng_state(saved["cpu"])
    if machine.device.type == "cuda" and "cuda" in saved:
        torch.cuda.set_rng_state(saved["cuda"], machine.device)
