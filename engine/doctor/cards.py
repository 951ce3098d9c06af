"""NVIDIA cards and their driver, held against the torch that is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.doctor.check import Check, gib, good, note, warning

_DRIVERS: Final = {11: "450.80", 12: "525.60", 13: "580.65"}
"""The oldest Linux driver for a CUDA major version (CUDA release notes, minor version compatibility)."""
_INSTALL: Final = "Install the torch for your CUDA by PyTorch's install page (pytorch.org/get-started)."
_NVIDIA: Final = "0x10de"
_DISPLAY: Final = ("0x0300", "0x0302")
"""PCI classes: VGA controller and 3D controller."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What NVML tells of a card; sizes in bytes."""

    index: int
    name: str
    used: int
    total: int
    capability: tuple[int, int]


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """What NVML tells of the driver."""

    version: str
    cuda: tuple[int, int]
    """The newest CUDA that it offers."""
    cards: list[Card] = []


def look(torch: dict[str, Any] | None) -> Iterator[Check]:
    """The driver and each card; `torch` is what its probe said, None where it said nothing."""
    found = _driver()
    if isinstance(found, Driver) and found.cards:
        yield driver_check(found, torch)
        for card in found.cards:
            yield card_check(card, torch)
        yield from _hidden(os.environ)
        return
    yield _without_cards(found if isinstance(found, str) else "", cards_on_the_bus())


def driver_check(driver: Driver, torch: dict[str, Any] | None) -> Check:
    """Is the driver new enough for the CUDA that torch was built for, and does torch see the cards?"""
    offers = f"{driver.version}, offers CUDA {driver.cuda[0]}.{driver.cuda[1]}"
    if torch is None:
        return good("driver", offers)
    built = torch["cuda"]
    if not built:
        return warning("driver", f"{offers}, but this torch is built for the CPU and uses no card", _INSTALL)
    major = int(str(built).partition(".")[0])
    if driver.cuda[0] < major:
        newer = f"driver {_DRIVERS[major]} or newer" if major in _DRIVERS else "a newer driver"
        do = f"Install {newer}, or a torch built for CUDA {driver.cuda[0]}."
        return warning("driver", f"{offers}: too old for this torch, which is built for CUDA {built}", do)
    if torch["trouble"] or not torch["cards"]:
        why = torch["trouble"] or "torch sees no card"
        return warning("driver", f"{offers}, but {why}", "Compare `nvidia-smi` with CUDA_VISIBLE_DEVICES.")
    return good("driver", offers)


def card_check(card: Card, torch: dict[str, Any] | None) -> Check:
    """Is torch built for the card's architecture, and can it bf16?"""
    name = f"gpu {card.index}"
    about = f"{card.name}, {gib(card.used)} of {gib(card.total)} used"
    major, minor = card.capability
    if torch is not None and torch["archs"] and not covered(card.capability, torch["archs"]):
        found = f"{about}: this torch has no code for its architecture sm_{major}{minor}"
        return warning(name, found, _INSTALL)
    if major < 8:
        found = f"{about}, compute {major}.{minor}: no bf16"
        return note(name, found, "Runs use fp32 or fp16 there; models made in bf16 may overflow in fp16.")
    return good(name, f"{about}, compute {major}.{minor}, bf16")


def covered(capability: tuple[int, int], archs: Sequence[str]) -> bool:
    """True where code for one of `archs` (`sm_86`, `compute_90`) runs on a card of `capability`.

    Binary code runs on its own major version from its minor on, intermediate code on everything newer
    (CUDA C++ programming guide, compute capabilities).
    """
    for arch in archs:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", arch)
        if found is None:
            continue
        built = (int(found[2]), int(found[3]))
        if found[4] == "a":
            fits = built == capability
        elif found[1] == "sm" or found[4]:
            fits = built[0] == capability[0] and built <= capability
        else:
            fits = built <= capability
        if fits:
            return True
    return False


def _hidden(env: os._Environ[str] | dict[str, str]) -> Iterator[Check]:
    chosen = env.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        do = "Unset it to let OpenLoRA give each run a card."
        yield note("visible", f"CUDA_VISIBLE_DEVICES={chosen or 'nothing'}: runs from here see no other", do)


def _without_cards(trouble: str, on_the_bus: int) -> Check:
    if trouble:
        do = "`nvidia-smi` says the same; after an update of the driver, restart the machine."
        return warning("gpu", f"the NVIDIA driver does not answer: {trouble}", do)
    if on_the_bus:
        cards = "an NVIDIA card" if on_the_bus == 1 else f"{on_the_bus} NVIDIA cards"
        return warning(
            "gpu", f"{cards} without a driver", "Install NVIDIA's driver; until then runs use the CPU."
        )
    return note("gpu", "no NVIDIA card is seen", "Runs use the CPU. With a card, check `nvidia-smi`.")


def cards_on_the_bus(devices: Path = Path("/sys/bus/pci/devices")) -> int:
    """How many NVIDIA cards the PCI bus has, with a driver or without one."""
    count = 0
    for device in devices.glob("*"):
        try:
            vendor, kind = (device / "vendor").read_text(), (device / "class").read_text()
        except OSError:
            continue
        count += vendor.strip() == _NVIDIA and kind.startswith(_DISPLAY)
    return count


def _driver() -> Driver | str:
    """What NVML tells; a string says why it tells nothing, empty where there is no driver at all."""
    try:
        import pynvml
    except ImportError as error:
        return str(error)
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        here = Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
        return str(error) if here else ""
    try:
        cuda = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        return Driver(
            version=str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=(cuda // 1000, cuda % 1000 // 10),
            cards=[_card(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())],
        )
    except pynvml.NVMLError as error:
        return str(error)


def _card(nvml: Any, index: int) -> Card:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Card(
        index=index,
        name=str(nvml.nvmlDeviceGetName(handle)),
        used=int(memory.used),
        total=int(memory.total),
        capability=(int(major), int(minor)),
    )
