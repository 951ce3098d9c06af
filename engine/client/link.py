"""A front end's line to the engine: a thread sends, receives and reconnects, so that nobody else waits."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import deque
from pathlib import Path
from typing import Final

from engine import __version__, bus
from engine import messages as m
from engine.client.context import job_context
from engine.client.silence import why_silent
from engine.client.skew import understood
from engine.problem import Problem

_PERIOD: Final = 0.1
_RETRY: Final = 1.0


class Link:
    """The engine as a front end sees it: `send` and `receive`, neither of which ever blocks.

    After each (re)connection the engine's `Welcome` comes first: what was watched has to be
    asked for again then. Requests that were sent and not answered when the engine died are lost.
    """

    def __init__(self, root: Path, *, app: bool = False, start_engine: bool = True) -> None:
        self.front = f"front-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.problem: Problem | None = None
        """Why no engine can be started, None while that is not known."""
        self._connected = False
        self._trouble = ""
        self._calling: float | None = None
        """Since when the thread has waited for the engine to answer a call, on the monotonic clock."""
        self._greeting: float | None = None
        """Since when the engine owes a Welcome."""
        self._root = root
        self._app = app
        self._start_engine = start_engine
        self._out: deque[bytes] = deque()
        self._in: deque[m.ToFront] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    @property
    def connected(self) -> bool:
        """True while the engine answers."""
        return self._connected and not self._silent

    @property
    def trouble(self) -> str:
        """Why there is no connection, for people; empty while there is one or none was tried."""
        return why_silent(bus.engine_pid(self._root)) if self._silent else self._trouble

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def send(self, message: m.Message) -> None:
        """Queue a message for the engine."""
        self._out.append(m.encode(message))
        self._wake.set()

    def receive(self) -> list[m.ToFront]:
        """What has come since the last call, oldest first."""
        came = []
        while self._in:
            came.append(self._in.popleft())
        return came

    def close(self) -> None:
        """Say goodbye and let go; what was sent before still goes out."""
        self.send(m.Bye(front=self.front))
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._serve()
            except Exception as error:  # a thread that ended here would be a silence without a reason
                self._connected, self._greeting = False, None
                self._trouble = f"The line to the engine failed ({type(error).__name__}: {error})."
                self._wait(_RETRY)

    def _serve(self) -> None:
        boxes = self._attach()
        if boxes is None:
            self._wait(_RETRY)
            return
        self._hello()
        self._talk(boxes)

    @property
    def _silent(self) -> bool:
        """True where the engine is there and has not answered for a while: it is stopped, or busy."""
        since = [began for began in (self._calling, self._greeting) if began is not None]
        return bool(since) and time.monotonic() - min(since) > bus.PATIENCE

    def _attach(self) -> bus.Boxes | None:
        # Imported here: the app paints before it pays for subprocess and its friends.
        from engine.client.start import attach

        try:
            boxes = attach(self._root) if self._start_engine else bus.connect(self._root)
        except Problem as problem:
            self.problem, self._trouble = problem, str(problem)
            return None
        except bus.Silent as silent:
            self._trouble = why_silent(silent.pid)
            return None
        except bus.LOST as error:
            self._trouble = f"No engine answers ({error or type(error).__name__})."
            return None
        self.problem, self._trouble = None, ""
        return boxes

    def _hello(self) -> None:
        hello = m.Hello(
            front=self.front, pid=os.getpid(), version=__version__, app=self._app, context=job_context()
        )
        self._out.appendleft(m.encode(hello))
        self._greeting = time.monotonic()

    def _talk(self, boxes: bus.Boxes) -> None:
        """Exchange until the engine goes away or this front end does, if only for a while."""
        heard = time.monotonic()
        while True:
            closing = self._closing
            outgoing = [self._out.popleft() for _ in range(len(self._out))]
            self._calling = time.monotonic()
            try:
                came = boxes.exchange(self.front, outgoing)
            except bus.LOST:
                self._connected, self._greeting = False, None
                self._trouble = "The engine went away; connecting again."
                return
            finally:
                self._calling = None
            self._take(came)
            self._connected = True
            if closing:
                return
            if time.monotonic() - heard > bus.SILENT:
                return  # This process was stopped for so long that the engine may have forgotten it.
            heard = time.monotonic()
            self._wait(_PERIOD)

    def _take(self, came: list[bytes]) -> None:
        for data in came:
            message = m.to_front(data) or understood(self._root, data)
            if isinstance(message, m.Welcome):
                self._greeting = None
            if message is not None:
                self._in.append(message)

    def _wait(self, seconds: float) -> None:
        if self._wake.wait(seconds):
            self._wake.clear()
            time.sleep(0.005)
