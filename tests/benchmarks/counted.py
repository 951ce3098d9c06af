"""Counts what a real step allocates: the allocator's own word, by PyTorch's profiler or by CUDA's peak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from engine.job import Job, Order
from engine.recipe.recipe import Recipe
from engine.train.journal import Journal
from engine.train.listening import Listener
from engine.train.looking.looks import measure
from engine.train.loop import _step
from engine.train.opening import open_session
from engine.train.session import Session


class _NoOrders:
    def next(self) -> tuple[Order, str] | None:
        return None


def counted_peak(recipe: Recipe, folder: Path, device: str = "cpu") -> int:
    """Bytes of tensors at the peak of two steps and an evaluation of a real run."""
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(run="counted", folder=folder, recipe=recipe, device=device)
    journal = Journal(lambda event: None)
    session = open_session(job, journal, Listener(_NoOrders(), journal))
    if session.machine.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        _work(session)
        return torch.cuda.max_memory_allocated()
    peft = session.student.peft
    kept = {t.untyped_storage() for t in (*peft.parameters(), *peft.buffers())}
    alive = peak = sum({s.data_ptr(): s.nbytes() for s in kept}.values())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        _work(session)
    for _, size in sorted(_allocations(watched)):
        alive += size
        peak = max(peak, alive)
    return peak


def _work(session: Session) -> None:
    _step(session)
    _step(session)
    measure(session)


def _allocations(watched: Any) -> list[tuple[int, int]]:
    """When, and how many bytes; those that are given back are negative."""
    events = watched.profiler.kineto_results.events()
    return [(event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"]
