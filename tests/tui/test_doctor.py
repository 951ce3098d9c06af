"""The doctor in the app: a process of its own looks, and the page says what it found and what to do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.doctor.check import Check
from openlora_tui.modals import doctor
from openlora_tui.modals.doctor import Doctor
from tests.tui.conftest import settle
from tests.tui.recipe_driving import until
from tests.tui.screen_picture import as_found_good, shown

FOUND = [
    Check("openlora", "good", "0.1.0", "", "OpenLoRA"),
    Check("python", "good", "3.12.1 at /usr/bin/python3", "", "OpenLoRA"),
    Check(
        "memory",
        "note",
        "6.0 GiB free of 8.0 GiB, the container's limit on a machine of 64.0 GiB",
        "A run that needs more is killed without a word; raise the limit.",
        "Machine",
    ),
    Check("home", "good", "/home/me/openlora on ext4", "", "Storage"),
    Check("disk", "warning", "1.2 GiB free: little for checkpoints", "Free some space on /.", "Storage"),
    Check("torch", "good", "2.13.0, built for CUDA 13.0", "", "Training"),
    Check(
        "gpu 0",
        "warning",
        "Quadro P1000, 0.1 GiB of 4.0 GiB used: this torch has no code for its architecture sm_61",
        "Install the torch for your CUDA by PyTorch's install page (pytorch.org/get-started).",
        "Training",
    ),
]
STUCK = [
    Check(
        "torch",
        "blocker",
        "2.13.0 cannot be imported: OSError: libcudart.so.13: cannot open shared object file",
        "pip install --force-reinstall torch",
        "Training",
    )
]


def finds(found: list[Check], monkeypatch: pytest.MonkeyPatch) -> None:
    async def examine(columns: int, rows: int) -> AsyncIterator[list[Check]]:
        for check in found:
            yield [check]

    monkeypatch.setattr(doctor, "examine", examine)


async def open_doctor(pilot: Any) -> None:
    """By its name, as a person does."""
    await pilot.press("colon", *"doctor", "enter")
    await settle(pilot)
    assert isinstance(pilot.app.screen, Doctor)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 20)], ids=["80x24", "120x36", "60x20"])
async def test_the_page_is_as_it_was_found_good(
    size: tuple[int, int], opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(FOUND, monkeypatch)
    async with opened(*size) as pilot:
        await open_doctor(pilot)
        as_found_good(pilot.app, f"doctor-{size[0]}x{size[1]}")


async def test_a_blocker_in_ascii(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(STUCK, monkeypatch)
    async with opened(ascii_only=True) as pilot:
        await open_doctor(pilot)
        assert as_found_good(pilot.app, "doctor-blocker-ascii-80x24").isascii()


def stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A program in the place of `openlora doctor --json`."""
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o700)
    monkeypatch.setattr(doctor.sys, "executable", str(program))


async def test_what_the_doctor_prints_is_shown_as_it_comes(
    tmp_path: Path, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [msgspec.json.encode([check]).decode() for check in (FOUND[0], FOUND[4])]
    stands_in(tmp_path, monkeypatch, f"""
import os, pathlib, time
assert os.environ["COLUMNS"] == "80"
print({lines[0]!r}, flush=True)
while not pathlib.Path({str(tmp_path / "go on")!r}).exists(): time.sleep(0.02)
print({lines[1]!r}, flush=True)""")  # fmt: skip
    async with opened() as pilot:
        await open_doctor(pilot)
        await until(pilot, lambda: "openlora     0.1.0" in shown(pilot.app))
        assert "Looking at this machine" in shown(pilot.app)
        (tmp_path / "go on").touch()
        await until(pilot, lambda: "look at: disk" in shown(pilot.app))


async def test_a_doctor_that_says_nothing_is_told(
    tmp_path: Path, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_in(tmp_path, monkeypatch, "raise SystemExit(1)")
    async with opened() as pilot:
        await open_doctor(pilot)
        await until(pilot, lambda: "it ended with status 1" in shown(pilot.app))


async def test_closing_the_page_ends_what_still_looks(
    tmp_path: Path, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "pid"
    code = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()) + '.')\ntime.sleep(300)"
    stands_in(tmp_path, monkeypatch, code)
    async with opened() as pilot:
        await open_doctor(pilot)
        assert "Looking at this machine" in shown(pilot.app)
        async with asyncio.timeout(30):
            while not mark.exists() or not mark.read_text().endswith("."):
                await pilot.pause(0.02)
            pid = int(mark.read_text().rstrip("."))
            await pilot.press("q")
            while _lives(pid):
                await pilot.pause(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
