"""Brings a plan's files into the hub's cache: resumed where it was broken off, checked, and cancellable.

The hub's own library begins an interrupted file anew and forgets what had come. Here a content grows under
one name, `blobs/ETAG.incomplete`, beneath the library's own lock, and takes its final name once it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Final

from huggingface_hub import hf_hub_url
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from engine import atomic
from engine.data.refusal import Refusal
from engine.hub import problems
from engine.hub.names import is_commit
from engine.hub.plan import File, Plan, part_of, size_of
from engine.problem import WORK_FAILED

Moved = Callable[[int, int, float], None]
"""Takes bytes here, bytes in all, and bytes a second; called a few times a second."""

_STREAMS: Final = 4
_TICK: Final = 0.2
_WINDOW: Final = 5.0
"""Seconds over which the rate is taken."""
_TIMEOUT: Final = 20.0
_RETRIES: Final = 5
"""Failures in a row, with nothing gained between them, before a file is given up."""


class Cancelled(Exception):
    """The fetch was told to end; what has come is kept."""


def fetch(plan: Plan, moved: Moved, cancelled: Callable[[], bool], *, wait: float = 1.0) -> Path:
    """Bring every file of `plan` into the cache and return their folder.

    Args:
        wait: seconds before a broken connection is tried again; doubled each time.

    Raises:
        Refusal: the hub, the network or the disk does not let it be done.
        Cancelled: `cancelled` came to be true.
    """
    small = [file for file in plan.files if file.sha256 is None]
    large = [file for file in plan.files if file.sha256 is not None]
    carrier = _Carrier(plan, wait)
    rate = _Rate()
    try:
        with problems.explaining(plan.model, plan.asked, plan.kind):
            for files in (small, large):  # what is refused is refused before gigabytes come
                carrier.begin(files)
                while carrier.busy:
                    done = plan.here
                    moved(done, plan.total, rate(done))
                    if cancelled():
                        raise Cancelled
                    carrier.wait(_TICK)
                carrier.raise_failure()
            for file in plan.files:  # names last: a folder that was begun holds nothing yet
                _link(plan.folder / "blobs" / file.etag, plan.path / file.name)
            _point(plan)
    finally:
        carrier.stop.set()
    moved(plan.total, plan.total, rate(plan.total))
    return plan.path


class _Carrier:
    """A few daemon threads that carry files; a process that is told to leave need not wait for them."""

    def __init__(self, plan: Plan, wait: float) -> None:
        self.plan, self._wait = plan, wait
        self.stop = threading.Event()
        self._blobs = plan.folder / "blobs"
        self._locks = plan.folder.parent / ".locks" / plan.folder.name
        self._threads: list[threading.Thread] = []
        self._failures: queue.Queue[Exception] = queue.Queue()

    @property
    def busy(self) -> bool:
        """True while a file is on its way and none has failed."""
        return self._failures.empty() and any(thread.is_alive() for thread in self._threads)

    def begin(self, files: list[File]) -> None:
        """Carry these files."""
        waiting: queue.SimpleQueue[File] = queue.SimpleQueue()
        for file in files:
            waiting.put(file)
        self._threads = [
            threading.Thread(target=self._work, args=(waiting,), name=f"fetch-{i}", daemon=True)
            for i in range(min(_STREAMS, len(files)))
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until the files have come, or for `seconds`."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))

    def raise_failure(self) -> None:
        """Raise what went wrong, if something did."""
        if not self._failures.empty():
            raise self._failures.get()

    def _work(self, waiting: queue.SimpleQueue[File]) -> None:
        try:
            while not self.stop.is_set():
                self._bring(waiting.get_nowait())
        except (queue.Empty, Cancelled):
            return
        except Exception as error:
            self._failures.put(error)

    def _bring(self, file: File) -> None:
        blob = self._blobs / file.etag
        for folder in (blob.parent, self._locks):
            folder.mkdir(parents=True, exist_ok=True)
        if not blob.is_file():
            with self._alone(file):
                if not blob.is_file():
                    self._fill(file, part_of(blob))
                    part_of(blob).replace(blob)

    @contextmanager
    def _alone(self, file: File) -> Iterator[None]:
        """Hold the library's lock of this content; whoever fetches it already is waited for."""
        with (self._locks / f"{file.etag}.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self.stop.wait(_TICK):
                        raise Cancelled from None
            yield

    def _fill(self, file: File, part: Path) -> None:
        """Let the part grow to the whole content, through broken connections, and check it."""
        failures = 0
        while True:
            before = size_of(part)
            try:
                self._stream(file, part)
                break
            except Exception as error:
                failures = 1 if size_of(part) > before else failures + 1
                if failures > _RETRIES or not problems.passing(error):
                    raise
            if self.stop.wait(min(self._wait * 2 ** (failures - 1), 30.0)):
                raise Cancelled
        _check(file, part)

    def _stream(self, file: File, part: Path) -> None:
        with part.open("ab", buffering=0) as out:  # what came is on disk however the process ends
            if out.tell() > file.size:
                out.truncate(0)
            have = out.tell()
            if have == file.size:
                return
            # The size and the place of a byte are those of the content itself, never of a packed form of it.
            headers = build_hf_headers() | {"Accept-Encoding": "identity"}
            if have:
                headers["Range"] = f"bytes={have}-"
            plan = self.plan
            url = hf_hub_url(plan.model, file.name, revision=plan.revision, repo_type=plan.kind[:-1])
            with get_session().stream(
                "GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT
            ) as response:
                hf_raise_for_status(response)
                if have and response.status_code != 206:  # it does not know ranges, and begins anew
                    out.truncate(0)
                self._pour(response.iter_bytes(), out)
            if out.tell() < file.size:
                raise ConnectionError("the connection ended before the file did")

    def _pour(self, chunks: Iterator[bytes], out: RawIOBase) -> None:
        for chunk in chunks:
            if self.stop.is_set():
                raise Cancelled
            out.write(chunk)


class _Rate:
    """Bytes a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, done: int) -> float:
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        began, first = self._seen[0]
        return max(done - first, 0) / (now - began) if now > began else 0.0


def _check(file: File, part: Path) -> None:
    """Compare the content with what the hub said of it; a wrong one is thrown away."""
    size = size_of(part)
    if file.sha256 is None:
        sound = size == file.size
    else:
        with part.open("rb") as content:
            sound = size == file.size and hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    if not sound:
        part.unlink()
        raise Refusal(
            "save_or_disk",
            f"{file.name} arrived damaged and was thrown away.",
            where=str(part),
            why=f"It has {size:,} of {file.size:,} bytes."
            if size != file.size
            else "Its SHA-256 is not the one that the hub names.",
            do="Try again; where it happens twice, the disk or a proxy changes what passes.",
            exit_status=WORK_FAILED,
        )


def _link(blob: Path, link: Path) -> None:
    """Let the snapshot's name lead to the content, as the library does; a copy where links are unknown."""
    if link.is_file():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(os.path.relpath(blob, link.parent))
    except FileExistsError:
        return
    except OSError:
        os.link(blob, link)


def _point(plan: Plan) -> None:
    """Note what the branch or tag means now, for those who read the cache without a network."""
    if is_commit(plan.asked):
        return
    ref = plan.folder / "refs" / plan.asked
    ref.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(ref, plan.revision.encode(), mode=0o644)
