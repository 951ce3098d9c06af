"""One sample of the whole machine."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from engine.messages import Machine
from engine.telemetry.gpu import gpus


def measure(home: Path) -> Machine:
    """The machine now; `cpu` is the load since the call before (0 at the first)."""
    memory = psutil.virtual_memory()
    return Machine(
        cpu=psutil.cpu_percent(None) / 100,
        cores=os.cpu_count() or 1,
        ram_used=int(memory.total - memory.available),
        ram_total=int(memory.total),
        disk_free=int(psutil.disk_usage(str(home)).free),
        gpus=gpus(),
    )
