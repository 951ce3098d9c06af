"""Starts a run's ranks as torchrun would, watches all of them, and begins again where one is lost.

This process is the run's worker to everyone else: it holds the lock and leads the process group. It
imports nothing heavy. While rank 0 lives, that one writes the run's events; between two lives, this one does.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec

from engine import events as ev
from engine import postmortem
from engine.event_log import EventReader, append
from engine.findings import Finding
from engine.leases.asked import CPU
from engine.leases.cards import ranks_in
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from engine.worker.nodes import Node

RESUMABLE: Final = 75
"""EX_TEMPFAIL: it was saved and can be resumed; Slurm and friends may requeue on it."""
_RESTARTS: Final = 3
"""Times that the ranks are started again after one was lost: what kills a rank each time is no accident."""
_LOOK: Final = 0.1
_AFTER_ZERO: Final = 30.0
"""Seconds that the others have to leave after rank 0, which alone saves and tells."""
_EXPLAINS: Final = 10.0
"""Seconds that rank 0 has to say why, where another ended with an error."""
SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Lost(msgspec.Struct, frozen=True):
    """A rank that ended without a word; its status is negative for a signal."""

    rank: int
    status: int

    @property
    def how(self) -> str:
        """In words."""
        name = postmortem.signal_name(self.status)
        return f"Rank {self.rank} {f'was killed by {name}' if name else f'ended with status {self.status}'}"


def lead(directory: RunDir, device: str, started: ev.Started, node: Node) -> int:
    """Work on the run by its ranks until its last word is said; the exit status is rank 0's.

    Among several machines nobody can begin again alone: the status is then 75, for who started them all.
    """
    asked: list[int] = []
    restarts = 0
    while True:
        append(directory.events, [started])
        with _ranks(directory, device, asked, node) as ranks:
            ended = _watched(ranks, directory)
        for left in directory.path.glob("rank-*.end"):
            left.unlink(missing_ok=True)
        if not isinstance(ended, Lost):
            return ended
        state = fold(EventReader(directory.events))
        if state.outcome is not None:  # rank 0 had said it when it was lost
            directory.mark_ended()
            return 1
        if asked or restarts == _RESTARTS or node.count > 1:
            append(directory.events, [_failure(directory, state, ended, restarts, asked=bool(asked))])
            directory.mark_ended()
            return RESUMABLE if node.count > 1 else 1
        restarts += 1
        append(directory.events, _again(directory, state, ended, restarts))


def accompany(directory: RunDir, device: str, node: Node) -> int:
    """Work for a run that another machine leads, by this machine's ranks, until they leave."""
    for number in SIGNALS:  # the leader's machine gets them too, and its ranks tell these
        signal.signal(number, signal.SIG_IGN)
    with _ranks(directory, device, [], node) as ranks:
        while any(p.poll() is None for p in ranks) and not any(p.returncode for p in ranks):
            time.sleep(_LOOK)
        _wait(ranks, _EXPLAINS)
        statuses = [p.poll() for p in ranks]
    if any(status is None or status < 0 for status in statuses):
        return RESUMABLE
    return max(status or 0 for status in statuses)


def _watched(ranks: list[subprocess.Popen[bytes]], directory: RunDir) -> int | Lost:
    """The run's exit status once its last word is said, or the rank that left before without a word."""
    while (gone := next((rank for rank, p in enumerate(ranks) if p.poll() is not None), None)) is None:
        time.sleep(_LOOK)
    if gone == 0 and _said_by_zero(ranks, directory) is not None:
        _wait(ranks[1:], _AFTER_ZERO)
    status = ranks[gone].returncode
    told = gone > 0 and status >= 0 and _end_of(directory, gone).exists()
    if told:
        # One that ended well left rank 0 with what it has to save and to tell, however slow the disk is.
        _wait(ranks[:1], _EXPLAINS if status else math.inf)
    said = _said_by_zero(ranks, directory)
    if said is not None:
        return said
    return _told_for(directory, gone) if told else Lost(gone, status)


def _said_by_zero(ranks: list[subprocess.Popen[bytes]], directory: RunDir) -> int | None:
    status = ranks[0].poll()
    said = status is not None and status >= 0 and fold(EventReader(directory.events)).outcome is not None
    return status if said else None


def _told_for(directory: RunDir, rank: int) -> int:
    """Rank 0 hangs in a call that needs the others: say in its place what the rank has left."""
    append(directory.events, [_read_end(directory, rank)])
    directory.mark_ended()
    return 1


def _wait(ranks: list[subprocess.Popen[bytes]], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(rank.poll() is None for rank in ranks):
        time.sleep(_LOOK)


@contextmanager
def _ranks(
    directory: RunDir, device: str, asked: list[int], node: Node
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes of all ranks; none of them outlives the body, nor this process.

    Each reads a pipe that only this process writes to: where it ends, so do they.
    """
    count = ranks_in(device)
    shared = _environment(count, device, node)
    alive, life = os.pipe()
    # Blocked from birth, a signal that comes before a rank listens waits; only rank 0 ever takes one.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    ranks: list[subprocess.Popen[bytes]] = []
    try:
        for local in range(count):
            told = shared | {"RANK": str(node.number * count + local), "LOCAL_RANK": str(local)}
            ranks.append(_rank(directory, device, alive, told))

        def hand_on(number: int, _frame: FrameType | None) -> None:
            asked.append(number)
            if ranks[0].poll() is None:
                ranks[0].send_signal(number)

        for number in SIGNALS if node.number == 0 else ():
            signal.signal(number, hand_on)
        for came in asked:  # what came between two lives
            ranks[0].send_signal(came)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield ranks
    finally:
        for process in ranks:
            if process.poll() is None:
                process.kill()
            process.wait()
        os.close(alive)
        os.close(life)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _rank(directory: RunDir, device: str, alive: int, told: dict[str, str]) -> subprocess.Popen[bytes]:
    rank = int(told["RANK"])
    words = [str(directory.path), "--device", device, "--rank", str(rank)]
    with directory.console_of(rank).open("ab") as console:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.worker", *words],
            stdin=alive,
            stdout=console,
            stderr=console,
            # The run's lock lives as long as rank 0, which may write.
            pass_fds=[directory.lock] if rank == 0 and directory.lock is not None else [],
            env=told,
        )


def _environment(count: int, device: str, node: Node) -> dict[str, str]:
    """What torchrun tells each rank, and threads that leave the others theirs."""
    threads = max((os.cpu_count() or 1) // count, 1)
    on_cpu = {"ACCELERATE_USE_CPU": "true"} if device.startswith(CPU) else {}
    return {"OMP_NUM_THREADS": str(threads), **os.environ, **node.told(count), **on_cpu}


def _failure(directory: RunDir, state: RunState, lost: Lost, restarts: int, *, asked: bool) -> ev.Failed:
    failed = postmortem.failure(directory, state, lost.status, killed=asked)
    if asked:
        return failed
    return msgspec.structs.replace(
        failed, what=f"{lost.how}{f', and {restarts} times before' if restarts else ''}."
    )


def _again(directory: RunDir, state: RunState, lost: Lost, times: int) -> list[ev.Event]:
    """What is told before the ranks begin again."""
    back = directory.resumable()
    finding = Finding(
        category="distributed_launch",
        severity="warning",
        title=f"{lost.how}; all ranks began again",
        evidence=directory.console_tail(6, directory.console_of(lost.rank)),
        cause="Someone ended it, the kernel did because memory ran out, or native code crashed.",
        remedy=f"Nothing: that was time {times} of {_RESTARTS} that a run goes on by itself.",
        step=state.step or None,
    )
    found = ev.Found(finding=finding)
    return [found] if back else [found, ev.Resumed(step=0)]


def _end_of(directory: RunDir, rank: int) -> Path:
    return directory.path / f"rank-{rank}.end"


def _read_end(directory: RunDir, rank: int) -> ev.Finished | ev.Failed:
    """The last word of a rank that does not speak, kept for rank 0 or for this process."""
    event = ev.decode(_end_of(directory, rank).read_bytes())
    assert isinstance(event, ev.Finished | ev.Failed)
    return event


def keep_end(directory: RunDir, rank: int, outcome: ev.Finished | ev.Failed) -> None:
    """Leave a rank's last word for those who speak."""
    _end_of(directory, rank).write_bytes(ev.encode(outcome))


def first_failure(directory: RunDir, mine: ev.Failed, seconds: float = 3.0) -> ev.Failed:
    """Why the ranks ended: what failed first, where rank 0 fails for want of another.

    One that was killed leaves no word; then this process is ended before the time is over.
    """
    if not (count := int(os.environ.get("WORLD_SIZE", "1"))) > 1 or mine.interrupted:
        return mine
    end = time.monotonic() + seconds
    while True:
        words = [_read_end(directory, rank) for rank in range(1, count) if _end_of(directory, rank).exists()]
        earlier = [word for word in words if isinstance(word, ev.Failed) and word.t < mine.t]
        if earlier:
            return min(earlier, key=lambda word: word.t)
        if len(words) == count - 1 or time.monotonic() > end:
            return mine
        time.sleep(_LOOK)
