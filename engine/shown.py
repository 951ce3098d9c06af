"""What front ends are shown of the machine and of runs in a list."""

from __future__ import annotations

import msgspec


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One sample of the machine, for the panels; sizes in bytes."""

    cpu: float
    """Share of all cores, 0 to 1."""
    cores: int
    ram_used: int
    ram_total: int
    disk_free: int
    gpus: list[Gpu] = []


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One NVIDIA card as NVML sees it; None where the card does not tell."""

    index: int
    name: str
    uuid: str
    used: int
    total: int
    utilisation: float | None = None
    """0 to 1."""
    celsius: float | None = None
    watts: float | None = None
    instance: int | None = None
    """Number of a MIG instance on the card `index`, which then is not listed itself."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list."""

    run: str
    name: str
    status: str
    model: str
    data: list[str]
    created: float
    updated: float
    step: int = 0
    steps: int = 0
    loss: float | None = None
    eval_loss: float | None = None
    device: str = ""
    adapter: str | None = None
    lineage: list[str] = []
    """The runs it comes from, the parent first."""
    reason: str = ""
    phase: str = ""
    worker_pid: int = 0
    findings: int = 0
    silent: bool = False
    """True where the worker lives but has not been heard for a while."""
    held: bool = False
    """True where it waits until someone releases it."""
    place: float = 0.0
    """Its place in the queue while it waits: lower ones start first."""
    predicted_memory: int = 0  # bytes, like the next; 0 while not known
    peak_memory: int = 0
    tags: list[str] = []
    note: str = ""
    base: str = ""
    """How the base's weights are held where they are quantised, such as `nf4, double`."""
