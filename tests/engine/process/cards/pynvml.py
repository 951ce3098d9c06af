"""NVML as the telemetry asks it, of a machine with as many cards as `FAKE_CARDS` has lines: GiB used, GiB."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    """What this card does not tell."""


def _cards() -> list[list[float]]:
    lines = Path(os.environ["FAKE_CARDS"]).read_text().splitlines()
    return [[float(word) for word in line.split()] for line in lines]


def _refuse(*_: object) -> None:
    raise NVMLError("Not Supported")


def nvmlInit() -> None:
    _cards()


def nvmlDeviceGetCount() -> int:
    return len(_cards())


def nvmlDeviceGetHandleByIndex(index: int) -> int:
    return index


def nvmlDeviceGetMemoryInfo(index: int) -> SimpleNamespace:
    used, total = _cards()[index]
    return SimpleNamespace(used=int(used * 2**30), total=int(total * 2**30))


def nvmlDeviceGetName(_index: int) -> str:
    return "L4"


def nvmlDeviceGetUUID(index: int) -> str:
    return f"GPU-{index}000-{os.environ['FAKE_MACHINE']}"


nvmlDeviceGetMigMode = nvmlDeviceGetUtilizationRates = nvmlDeviceGetPowerUsage = _refuse
nvmlDeviceGetTemperature = nvmlSystemGetDriverVersion = _refuse
