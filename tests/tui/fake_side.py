"""An engine whose side jobs of one kind are real ones, each in a thread of the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from engine import messages as ms
from engine.line import Gone, Line
from engine.problem import Problem
from tests.tui.fake_engine import FakeEngine

Serve = Callable[[bytes, Line], None]


class SideEngine(FakeEngine):
    """Begins jobs called `job` by `serve`; all else is the fake engine's."""

    def __init__(self, job: ms.SideJob, serve: Serve) -> None:
        super().__init__()
        self.jobs: dict[str, Side] = {}
        self._job, self._serve = job, serve

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.Begin) and message.job == self._job:
            side = f"side-{len(self.jobs) + 1}"
            self.jobs[side] = Side(side, message.spec, self._serve)
            self.push(ms.Accepted(request=message.request, run=side))
        elif isinstance(message, (ms.Tell, ms.End)) and message.side in self.jobs:
            self.jobs[message.side].heard.put(message.body if isinstance(message, ms.Tell) else None)

    def receive(self) -> list[ms.ToFront]:
        for job in self.jobs.values():
            while not job.said.empty():
                self.push(job.said.get())
        return super().receive()

    def close(self) -> None:
        super().close()
        for job in self.jobs.values():
            job.leave()


class Side:
    device = "cpu"

    def __init__(self, side: str, spec: bytes, serve: Serve) -> None:
        self.heard: queue.Queue[bytes | None] = queue.Queue()
        self.said: queue.Queue[ms.ToFront] = queue.Queue()
        self.spec = spec
        self._side = side
        self._thread = threading.Thread(target=self._work, args=(serve,), daemon=True)
        self._thread.start()

    def say(self, body: bytes) -> None:
        self.said.put(ms.Said(side=self._side, body=body))

    def hear(self, seconds: float = 0.0) -> bytes | None:
        try:
            body = self.heard.get(timeout=seconds) if seconds else self.heard.get_nowait()
        except queue.Empty:
            return None
        if body is None:
            raise Gone
        return body

    def leave(self) -> None:
        """End as where nobody wants it any more."""
        self.heard.put(None)
        self._thread.join(20)

    def _work(self, serve: Serve) -> None:
        try:
            serve(self.spec, self)
        except Gone:
            self.said.put(ms.Ended(side=self._side))
        except Problem as problem:
            self.said.put(ms.Ended(side=self._side, problem=problem.as_dict()))
