"""The directory of a run: what lies where, who works in it, and how runs get their numbers."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import psutil

from engine import atomic
from engine.events import Event, encode
from engine.messages import JobContext
from engine.paths import runs_folder
from engine.reading import UNDECODABLE, content
from engine.secrets import is_secret
from engine.sources.entry import Entry

_T = TypeVar("_T")
_NEW: Final = ".new-"
_MAKING: Final = 60.0
"""Seconds that making a run takes at most; it takes some milliseconds."""
_ID: Final = re.compile(r"[1-9][0-9]{0,15}")
_LARGEST: Final = 1 << 24


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Which process works on a run; a process id means something only with host, boot and start time."""

    pid: int
    started: float
    """Start of the process, in clock ticks since boot where the kernel tells."""
    host: str
    boot: str
    device: str = "cpu"

    @property
    def here(self) -> bool:
        """True where the record speaks of this machine since its last boot, whatever it is called now."""
        return self.boot == boot_id()

    @property
    def alive(self) -> bool:
        """True where that very process still runs here."""
        return self.here and process_start(self.pid) == self.started


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's model that a run began with, so that it goes on with the same one."""

    model: str
    asked: str | None
    """The revision that the recipe names."""
    revision: str
    """The commit that it meant."""
    path: str


class PinnedData(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset of the hub that a run began with."""

    asked: Entry
    """As the recipe names it."""
    purpose: str
    bound: Entry
    """The same at its commit."""


class RunDir:
    """One run on disk; the directory's name is the run's id."""

    def __init__(self, root: Path, run: str) -> None:
        self.root = root
        self.run = run
        self.path = runs_folder(root) / run
        self.events = self.path / "events.jsonl"
        self.recipe = self.path / "recipe.yaml"
        self.console = self.path / "console.log"
        self.adapter = self.path / "adapter"
        self.checkpoints = self.path / "checkpoints"
        self._worker = self.path / "worker.json"
        self._context = self.path / "job.json"
        self._pinned = self.path / "model.json"
        self._pinned_data = self.path / "datasets.json"
        self._marker = root / "live" / run
        self.lock: int | None = None
        """The descriptor of the run's lock while this process holds it by `working`."""

    @classmethod
    def create(
        cls,
        root: Path,
        recipe: str,
        context: JobContext,
        first: Callable[[RunDir], Iterable[Event]] | None = None,
        fill: Callable[[RunDir], None] = lambda draft: None,
    ) -> RunDir:
        """A new run with the next number, on disk whole or not at all.

        Args:
            first: gives the run's first events; with them the run is live as soon as it is there.
            fill: puts what else the run begins with into its directory, which has no number yet.
        """
        draft = cls(root, Path(tempfile.mkdtemp(prefix=_NEW, dir=runs_folder(root))).name)
        try:
            atomic.write(draft.recipe, recipe.encode())
            draft.write_context(context)
            fill(draft)
            return draft._numbered(first)
        finally:
            shutil.rmtree(draft.path, ignore_errors=True)

    def _numbered(self, first: Callable[[RunDir], Iterable[Event]] | None) -> RunDir:
        """Give the directory the next free number; no other process's directory is ever replaced."""
        for number in itertools.count(_next_number(self.root)):
            run = RunDir(self.root, str(number))
            if os.path.lexists(run.path):
                continue
            if first is not None:
                atomic.write(self.events, b"".join(map(encode, first(run))))
                run.mark_live()  # marked before it is there, it cannot be there and forgotten
            try:
                self.path.rename(run.path)
            except OSError as error:
                if first is not None:
                    run.mark_ended()
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return run
        raise AssertionError("numbers do not end")

    @property
    def exists(self) -> bool:
        """True once the run has reported something."""
        return self.events.exists()

    @property
    def live(self) -> bool:
        """True from the run's birth, or resume, until its end has been written."""
        return self._marker.exists()

    def mark_live(self) -> None:
        """Tell every engine, now and after a crash, that this run has not ended."""
        self._marker.parent.mkdir(mode=0o700, exist_ok=True)
        self._marker.touch(mode=0o600)

    def mark_ended(self) -> None:
        """The run's end is in its events."""
        self._marker.unlink(missing_ok=True)

    def write_context(self, context: JobContext) -> None:
        """Keep the job's surroundings for a restart; variables that hold secrets stay in memory."""
        plain = {name: value for name, value in context.env.items() if not is_secret(name, value)}
        kept = msgspec.structs.replace(context, env=plain)
        atomic.write(self._context, msgspec.json.encode(kept))

    def context(self) -> JobContext | None:
        """The job's surroundings as kept, or None."""
        return _read(self._context, JobContext)

    def pin(self, pinned: Pinned) -> None:
        """Keep which model the run begins with."""
        atomic.write(self._pinned, msgspec.json.encode(pinned))

    def pinned(self) -> Pinned | None:
        """The hub's model that the run began with, None where it came from no hub or has not begun."""
        return _read(self._pinned, Pinned)

    def pin_data(self, pinned: list[PinnedData]) -> None:
        """Keep which datasets of the hub the run begins with."""
        atomic.write(self._pinned_data, msgspec.json.encode(pinned))

    def pinned_data(self) -> list[PinnedData]:
        """The hub's datasets that the run began with, empty where there are none or it has not begun."""
        return _read(self._pinned_data, list[PinnedData]) or []

    def write_worker(self, device: str) -> WorkerRecord:
        """Record that this process works on the run."""
        pid = os.getpid()
        started = process_start(pid)
        assert started is not None
        record = WorkerRecord(pid=pid, started=started, host=host_name(), boot=boot_id(), device=device)
        atomic.write(self._worker, msgspec.json.encode(record))
        return record

    def worker(self) -> WorkerRecord | None:
        """The last process that worked on the run, dead or alive."""
        return _read(self._worker, WorkerRecord)

    @contextmanager
    def working(self) -> Iterator[bool]:
        """Hold the run's lock while the body runs; yields False where another process holds it."""
        with (self.path / "worker.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            self.lock = lock.fileno()
            yield True
            self.lock = None

    def console_of(self, rank: int) -> Path:
        """Where a rank prints; the first one, which speaks for all, prints where a lone worker does."""
        return self.console if rank == 0 else self.path / f"console.rank-{rank}.log"

    def console_tail(self, lines: int = 20, console: Path | None = None) -> list[str]:
        """The last lines that the worker's process printed, or that stand in another `console`."""
        try:
            with (console or self.console).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - 16384, 0))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-lines:]

    def resumable(self) -> bool:
        """True where a checkpoint waits."""
        return any(self.checkpoints.glob("step-*"))

    def delete(self) -> None:
        """Remove the directory; it is renamed first, so half a run is never taken for one."""
        doomed = self.path.with_name(f".deleted-{self.run}-{os.getpid()}")
        self.path.rename(doomed)
        self.mark_ended()
        shutil.rmtree(doomed, ignore_errors=True)


def sweep_deleted(root: Path) -> None:
    """Finish deletions that were broken off, and remove what was to become a run and was not finished."""
    for left in runs_folder(root).glob(".deleted-*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in runs_folder(root).glob(f"{_NEW}*"):
        if time.time() - left.stat().st_mtime > _MAKING:
            shutil.rmtree(left, ignore_errors=True)


def all_runs(root: Path) -> list[str]:
    """Ids of the runs of a home, oldest first."""
    with os.scandir(runs_folder(root)) as entries:
        names = [entry.name for entry in entries if is_run(entry.name) and _is_folder(entry)]
    return sorted(names, key=int)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def live_runs(root: Path) -> list[str]:
    """Ids of the runs that have not ended, oldest first."""
    folder = root / "live"
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted((name for name in names if is_run(name)), key=int)


def is_run(word: str) -> bool:
    """True for what is written as a run's id: a whole number above 0 that the index can hold."""
    return _ID.fullmatch(word) is not None


def deleted_log(root: Path) -> Path:
    """Where the lessons of deleted runs are kept, one JSON object a line."""
    return root / "deleted.jsonl"


def host_name() -> str:
    """This machine's name."""
    return os.uname().nodename


def boot_id() -> str:
    """What the kernel drew when it booted; a process id from another boot means nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def process_start(pid: int) -> float | None:
    """When the process began, or None where there is none or it is a zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _start_ticks(pid) or process.create_time()
    except psutil.Error:
        return None


def _start_ticks(pid: int) -> float | None:
    # Ticks since boot do not move when the wall clock is set, as `create_time` does.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return float(stat.rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _next_number(root: Path) -> int:
    numbers = [int(run) for run in all_runs(root)]
    for line in _lines(deleted_log(root)):
        try:
            numbers += [int(run) for run in [str(msgspec.json.decode(line)["run"])] if is_run(run)]
        except (*UNDECODABLE, KeyError, TypeError):
            continue
    return max(numbers, default=0) + 1


def remember_deleted(root: Path, lesson: msgspec.Struct) -> None:
    """Append what a deleted run taught to the home's `deleted.jsonl`; raises OSError."""
    atomic.append(deleted_log(root), msgspec.json.encode(lesson) + b"\n")


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(content(path, _LARGEST), type=kind)
    except (OSError, *UNDECODABLE):
        return None
