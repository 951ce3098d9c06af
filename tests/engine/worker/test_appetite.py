"""What a job takes in memory above the libraries: each phase has a peak of its own."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import events as ev
from engine.worker import appetite as appetites
from engine.worker.appetite import Appetite

MIB = 1 << 20


def taken(size: int) -> mmap.mmap:
    """Memory of that many bytes, resident, which the kernel has back once it is closed."""
    memory = mmap.mmap(-1, size)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    return memory


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a phase is the kernel's count")
def test_each_phase_has_the_peak_of_its_own() -> None:
    told: list[Any] = []
    appetite = Appetite(told.append)
    appetite.enter("loading libraries")
    libraries = taken(50 * MIB)
    appetite.enter("reading data")
    appetite.enter("loading model")
    weights = taken(20 * MIB)
    appetite.enter("training")
    taken(60 * MIB).close()  # gone before anyone looks
    appetite.enter("saving")
    appetite.look()
    peaks = {event.phase: event.bytes / MIB for event in told}
    assert "loading libraries" not in peaks
    assert peaks.get("reading data", 0) < 15
    assert 18 < peaks["loading model"] < 40
    assert 75 < peaks["training"] < 100
    assert 18 < peaks["saving"] < 40
    libraries.close()
    weights.close()


def test_a_peak_is_told_again_only_where_it_has_grown() -> None:
    told: list[ev.Event] = []
    appetite = Appetite(told.append)
    appetite.enter("reading data")
    appetite.enter("training")
    memory = taken(30 * MIB)
    for _ in range(50):
        appetite.look()
    assert len([event for event in told if isinstance(event, ev.Measured) and event.phase == "training"]) <= 2
    memory.close()


def test_on_an_accelerator_its_allocator_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Card()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    told: list[Any] = []
    appetite = Appetite(told.append)
    appetite.enter("reading data")
    appetite.enter("training")
    cuda.take(5000)
    cuda.take(-4000)
    appetite.enter("evaluating")
    cuda.take(200)
    appetite.look()
    assert [(event.phase, event.bytes, event.reserved) for event in told] == [
        ("training", 5000, 8192),
        ("evaluating", 1200, 8192),
    ]


def test_where_the_kernel_gives_no_peak_what_is_resident_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appetites, "_SELF", tmp_path)
    told: list[Any] = []
    appetite = Appetite(told.append)
    appetite.enter("reading data")
    appetite.enter("training")
    memory = taken(30 * MIB)
    appetite.look()
    assert told[-1].phase == "training"
    assert told[-1].bytes > 25 * MIB
    memory.close()


class Card:
    """torch.cuda's counts, with an allocator that holds blocks of 4 KiB and gives none back."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.held = 4096

    def take(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)
        self.held = max(self.held, -(-self.now // 4096) * 4096)

    def is_initialized(self) -> bool:
        return True

    def max_memory_allocated(self) -> int:
        return self.peak

    def max_memory_reserved(self) -> int:
        return self.held

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.now
