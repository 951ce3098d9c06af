"""A llama.cpp process seen from its parent: talked with without blocking, and ended whatever it does."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO, Final

import msgspec

from engine.llama import words
from engine.postmortem import signal_name

_COMMAND: Final = (sys.executable, "-P", "-m", "engine.llama")
_GRACE: Final = 2.0


class Died(Exception):
    """The process has ended, or says what cannot be understood."""


class Process:
    """One process, from its start to its end.

    Args:
        load: what it loads first.
        env: variables that it is given beside those of this process.
        command: what to start, for tests.
        errors: where its errors go, as `subprocess` has it, if not where those of this process go.
    """

    def __init__(
        self,
        load: words.Load,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = _COMMAND,
        errors: int | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(env or {})},
            close_fds=True,
        )
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert self._process.stdout is not None
        threading.Thread(target=_listen, args=(self._process.stdout, self._said), daemon=True).start()
        self.tell(load)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, said: words.ToProcess) -> None:
        """Send a line; to a process that has died it goes nowhere, which `hear` tells."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(words.encode(said))
            self._process.stdin.flush()

    def hear(self, seconds: float) -> words.ToParent | None:
        """What it says within `seconds`; None where it says nothing.

        Raises:
            Died: it has ended, or what it says is no word of ours.
        """
        try:
            line = self._said.get(timeout=seconds) if seconds > 0 else self._said.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            self._said.put(None)
            raise Died(self._how())
        try:
            return words.to_parent(line)
        except msgspec.DecodeError:
            self.close()
            raise Died("spoke in words that nobody understands") from None

    def close(self) -> None:
        """End it at once: it holds nothing that has to be saved."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _how(self) -> str:
        try:
            status = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.close()
            return "closed its line"
        name = signal_name(status)
        return f"was ended by {name}" if name else f"ended with status {status}"


def _listen(lines: IO[bytes], said: queue.SimpleQueue[bytes | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in lines:
            said.put(line)
    said.put(None)
