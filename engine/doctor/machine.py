"""Processor, memory, the limits that are set on this process, and the clock."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from engine.doctor import cgroup
from engine.doctor.check import Check, gib, good, note, warning

_LITTLE_MEMORY: Final = 2 << 30
"""Importing torch, transformers and peft takes 0.5 GiB, and a model of 0.5 B parameters in bf16 1 GiB."""
_FILES: Final = 1024
"""The usual soft limit; a run with its libraries has some hundred files open."""
_SHM: Final = 64 << 20
"""What a container gets unless asked for more."""
_BUILT: Final = 1_760_000_000
"""October 2025: before OpenLoRA was; a clock before that is wrong."""


def look() -> Iterator[Check]:
    """What the machine has, and what of it this process may use."""
    yield _cores()
    yield memory_check(psutil.virtual_memory().total, psutil.virtual_memory().available, cgroup.memory())
    yield _swap()
    yield _files()
    yield from _limits()
    yield from _shared_memory()
    yield _clock()


def _cores() -> Check:
    there = os.cpu_count() or 1
    allowed = float(len(os.sched_getaffinity(0)))
    share = cgroup.cores()
    usable = min(allowed, share) if share is not None else allowed
    if usable >= there:
        return good("cpu", f"{there} core{'' if there == 1 else 's'}, load {os.getloadavg()[0]:.1f}")
    do = "torch starts a thread for each core; OMP_NUM_THREADS set to your share keeps them from queueing."
    return note("cpu", f"{usable:.3g} of {there} cores are this process's", do)


def memory_check(total: int, available: int, container: tuple[int, int] | None) -> Check:
    """Free memory; `container` is a limit on this process and what it has used of it, all in bytes."""
    found = f"{gib(available)} of {gib(total)} free"
    free = available
    limited = container is not None and container[0] < total
    if container is not None and limited:
        free = min(available, max(container[0] - container[1], 0))
        found = f"{gib(free)} free of {gib(container[0])}, the container's limit on a machine of {gib(total)}"
    if free < _LITTLE_MEMORY:
        return warning("memory", found, "End other programs, or take a smaller model: a run may be killed.")
    if limited:
        return note("memory", found, "A run that needs more is killed without a word; raise the limit.")
    return good("memory", found)


def _swap() -> Check:
    swap = psutil.swap_memory()
    if not swap.total:
        return good("swap", "none")
    found = f"{gib(swap.used)} of {gib(swap.total)} used"
    if swap.used > swap.total / 2:
        return note("swap", found, "What trains from swap is many times slower; end other programs.")
    return good("swap", found)


def _files() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{_said(soft)} may be open at once"
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        return warning("files", found, f"ulimit -n {_said(min(hard, 65536) if hard > 0 else 65536)}")
    return good("files", found)


def _limits() -> Iterator[Check]:
    """Limits that are seldom set, and break runs where they are."""
    size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if size != resource.RLIM_INFINITY:
        found = f"no file may grow beyond {gib(size)}"
        yield warning("file size", found, "ulimit -f unlimited; a larger checkpoint cannot be written.")
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space != resource.RLIM_INFINITY:
        found = f"a process may address {gib(space)}"
        yield warning(
            "addresses", found, "ulimit -v unlimited; torch and CUDA reserve far more than they use."
        )


def _shared_memory(folder: Path = Path("/dev/shm")) -> Iterator[Check]:
    try:
        found = os.statvfs(folder)
    except OSError:
        yield note("/dev/shm", "is not there", "Only runs on several cards will want it.")
        return
    size, free = found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail
    said = f"{gib(free)} of {gib(size)} free"
    if size <= _SHM:
        do = "docker run --shm-size=8g, or --ipc=host; only runs on several cards will want it."
        yield note("/dev/shm", said, do)
    else:
        yield good("/dev/shm", said)


def _clock() -> Check:
    now = time.time()
    found = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now))
    if now < _BUILT:
        return warning(
            "clock", f"{found} cannot be", "Set it, by NTP best: ages and orders of runs are wrong."
        )
    return good("clock", found)


def _said(limit: int) -> str:
    return "any number" if limit == resource.RLIM_INFINITY else f"{limit:,}"
