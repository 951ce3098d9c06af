"""NVIDIA cards as NVML sees them; a machine without the driver simply has none.

A card that is cut into MIG instances is listed as these: no process can use it whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.messages import Gpu

_T = TypeVar("_T")


def gpus() -> list[Gpu]:
    """Every card of this machine, in NVML's order; empty where there is no driver."""
    nvml = _nvml()
    if nvml is None:
        return []
    try:
        return [gpu for index in range(nvml.nvmlDeviceGetCount()) for gpu in _card(nvml, index)]
    except nvml.NVMLError:
        return []


def driver() -> str | None:
    """The version of the NVIDIA driver, or None."""
    nvml = _nvml()
    return None if nvml is None else _told(nvml, lambda: _text(nvml.nvmlSystemGetDriverVersion()))


def capability(index: int) -> tuple[int, int] | None:
    """The CUDA compute capability of a card; None where it is not told."""
    nvml = _nvml()
    if nvml is None:
        return None
    found = _told(
        nvml, lambda: nvml.nvmlDeviceGetCudaComputeCapability(nvml.nvmlDeviceGetHandleByIndex(index))
    )
    return None if found is None else (int(found[0]), int(found[1]))


_started: dict[str, Any] = {}


def _nvml() -> Any:
    if "nvml" not in _started:
        try:
            import pynvml

            pynvml.nvmlInit()
            _started["nvml"] = pynvml
        except Exception:  # a missing or broken driver raises many kinds, and all mean: no cards
            _started["nvml"] = None
    return _started["nvml"]


def _card(nvml: Any, index: int) -> list[Gpu]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    mode = _told(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle)[0])
    if mode != 1:
        return [_read(nvml, index, handle)]
    most = _told(nvml, lambda: int(nvml.nvmlDeviceGetMaxMigDeviceCount(handle))) or 0
    parts = [_told(nvml, partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, n)) for n in range(most)]
    there = [part for part in parts if part is not None]
    return [_read(nvml, index, part, instance) for instance, part in enumerate(there)]


def _read(nvml: Any, index: int, handle: Any, instance: int | None = None) -> Gpu:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    busy = _told(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
    milliwatts = _told(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle))
    celsius = _told(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    return Gpu(
        index=index,
        name=_text(nvml.nvmlDeviceGetName(handle)),
        uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
        used=int(memory.used),
        total=int(memory.total),
        utilisation=busy,
        celsius=None if celsius is None else float(celsius),
        watts=None if milliwatts is None else milliwatts / 1000,
        instance=instance,
    )


def _told(nvml: Any, ask: Callable[[], _T]) -> _T | None:
    try:
        return ask()
    except nvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
