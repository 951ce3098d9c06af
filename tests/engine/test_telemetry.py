"""The machine is measured sanely, and a missing or broken driver means: no cards."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.telemetry import gpu
from engine.telemetry.machine import measure


class _NVMLError(Exception):
    pass


def _refuse(*_: object) -> None:
    raise _NVMLError("Not Supported")


def _driver(**changes: object) -> SimpleNamespace:
    """NVML with two cards, as pynvml shows it."""
    working: dict[str, object] = {
        "NVMLError": _NVMLError,
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=3, total=10),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=50),
        "nvmlDeviceGetPowerUsage": lambda _: 250_000,
        "nvmlDeviceGetTemperature": lambda *_: 61,
        "nvmlDeviceGetName": lambda index: f"Card {index}".encode(),
        "nvmlDeviceGetUUID": lambda index: f"GPU-{index}",
        "nvmlSystemGetDriverVersion": lambda: b"570.1",
        "nvmlDeviceGetMigMode": _refuse,
    }
    return SimpleNamespace(**(working | changes))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_started", {})


def test_cards_are_read_in_their_order_with_plain_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _driver())
    first, second = gpu.gpus()
    assert (first.index, first.name, first.uuid) == (0, "Card 0", "GPU-0")
    assert (second.used, second.total, second.utilisation) == (3, 10, 0.5)
    assert (second.celsius, second.watts) == (61.0, 250.0)
    assert gpu.driver() == "570.1"


def test_what_a_card_does_not_tell_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    mute = _driver(
        nvmlDeviceGetUtilizationRates=_refuse,
        nvmlDeviceGetPowerUsage=_refuse,
        nvmlDeviceGetTemperature=_refuse,
    )
    monkeypatch.setitem(sys.modules, "pynvml", mute)
    card = gpu.gpus()[0]
    assert (card.utilisation, card.celsius, card.watts) == (None, None, None)
    assert card.total == 10


@pytest.mark.parametrize("broken", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetMemoryInfo"])
def test_a_broken_driver_means_no_cards(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _driver(**{broken: _refuse}))
    assert gpu.gpus() == []


def test_an_absent_driver_means_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu.gpus() == []
    assert gpu.driver() is None


def test_a_sample_of_the_machine_is_sane(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    measure(home)
    machine = measure(home)
    assert 0 <= machine.cpu <= 1
    assert machine.cores >= 1
    assert 0 < machine.ram_used < machine.ram_total
    assert machine.disk_free > 0
    assert machine.gpus == []


def test_a_card_cut_into_mig_instances_is_listed_as_these(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(handle: int, at: int) -> str:
        if at not in (0, 3):
            raise _NVMLError("Not Found")
        return f"{handle}/{at}"

    cut = _driver(
        nvmlDeviceGetMigMode=lambda handle: [int(handle == 0), 0],
        nvmlDeviceGetMaxMigDeviceCount=lambda _: 7,
        nvmlDeviceGetMigDeviceHandleByIndex=part,
        nvmlDeviceGetUUID=lambda handle: f"MIG-{handle}" if isinstance(handle, str) else f"GPU-{handle}",
    )
    monkeypatch.setitem(sys.modules, "pynvml", cut)
    assert [(card.index, card.instance, card.uuid) for card in gpu.gpus()] == [
        (0, 0, "MIG-0/0"), (0, 1, "MIG-0/3"), (1, None, "GPU-1"),
    ]  # fmt: skip
