"""A side job in this process: it talks with one front end, and ends when that one has gone."""

from __future__ import annotations

import importlib
import signal
import sys
import time
import traceback
from collections import deque
from pathlib import Path
from typing import Any, Final

from engine import bus, room
from engine import messages as m
from engine.line import Gone
from engine.problem import WORK_FAILED, Problem

_MODULES: Final[dict[m.SideJob, str]] = {
    "advisor": "engine.local_model.serve",
    "chat": "engine.chat.serve",
    "estimate": "engine.estimate.serve",
    "inspect": "engine.data.serve",
    "preflight": "engine.preflight.serve",
    "recommend": "engine.recommend.serve",
    "perplexity": "engine.perplexity.serve",
    "starter": "engine.starter.serve",
}
"""Each has `serve(spec, line)`."""
_PERIOD: Final = 0.04
"""Seconds between two exchanges with the engine: what is said in between goes out together."""


class BusLine:
    """The line of a side job, over the engine's bus."""

    def __init__(self, side: str, boxes: Any, device: str) -> None:
        self.device = device
        self._side = side
        self._boxes = boxes
        self._out: list[bytes] = []
        self._in: deque[bytes] = deque()
        self._last = 0.0

    def say(self, body: bytes) -> None:
        """Send `body` to the front end; raises Gone where there is none any more."""
        self._out.append(m.encode(m.Said(side=self._side, body=body)))
        self._exchange(now=False)

    def hear(self, seconds: float = 0.0) -> bytes | None:
        """The next body that has come, or comes within `seconds`; raises Gone like `say`."""
        end = time.monotonic() + seconds
        while True:
            self._exchange(now=seconds > 0)
            if self._in:
                return self._in.popleft()
            if time.monotonic() >= end:
                return None
            time.sleep(_PERIOD)

    def end(self, problem: Problem | None) -> None:
        """Say the last word."""
        ended = m.Ended(side=self._side)
        if problem is not None:
            ended = m.Ended(side=self._side, problem=problem.as_dict(), exit_status=problem.exit_status)
        self._out.append(m.encode(ended))
        self._exchange(now=True)

    def _exchange(self, *, now: bool) -> None:
        if not now and time.monotonic() - self._last < _PERIOD:
            return
        outgoing, self._out = self._out, []
        try:
            came = self._boxes.exchange(self._side, outgoing)
        except bus.LOST as error:
            raise Gone from error
        self._last = time.monotonic()
        for message in map(m.to_worker, came):
            if isinstance(message, m.End):
                raise Gone
            if isinstance(message, m.Tell):
                self._in.append(message.body)


def serve_side(serve: m.Serve, boxes: Any) -> int:
    """Do the side job; the exit status is 0, or 1 where it failed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    line = BusLine(serve.side, boxes, serve.device)
    try:
        try:
            importlib.import_module(_MODULES[serve.job]).serve(serve.spec, line)
        except Gone:
            raise
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            line.end(_explained(serve, error))
            return WORK_FAILED
        line.end(None)
    except Gone:
        return 0
    return 0


def _explained(serve: m.Serve, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    refused = room.refusal(error)
    if refused is not None:
        return room.problem(refused, Path(serve.console).parent)
    if isinstance(error, ImportError):
        return Problem(
            "The training packages cannot be imported.",
            where=sys.executable,
            why=f"{error}.",
            do="Install them: pip install 'openlora-tui[train]'.",
            exit_status=WORK_FAILED,
        )
    return Problem(
        f"The {serve.job} job failed.",
        where=serve.console,
        why=f"{type(error).__name__}: {error}.",
        do="The console has the whole of it; please report it.",
        exit_status=WORK_FAILED,
    )
