"""An engine whose side job `inspect` is the real one, in a thread of the test."""

from __future__ import annotations

import queue
import threading

from engine import messages as ms
from engine.data.serve import serve
from engine.inspection import talk
from engine.line import Gone
from engine.problem import Problem
from tests.tui.fake_engine import FakeEngine


class InspectingEngine(FakeEngine):
    """Begins inspections; all else is the fake engine's."""

    def __init__(self) -> None:
        super().__init__()
        self.specs: list[talk.Spec] = []
        self._jobs: dict[str, _Job] = {}

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.Begin) and message.job == "inspect":
            side = f"side-{len(self._jobs) + 1}"
            self.specs.append(talk.spec(message.spec))
            self._jobs[side] = _Job(side, message.spec)
            self.push(ms.Accepted(request=message.request, run=side))
        elif isinstance(message, (ms.Tell, ms.End)) and message.side in self._jobs:
            self._jobs[message.side].heard.put(message.body if isinstance(message, ms.Tell) else None)

    def receive(self) -> list[ms.ToFront]:
        for job in self._jobs.values():
            while not job.said.empty():
                self.push(job.said.get())
        return super().receive()

    def close(self) -> None:
        super().close()
        for job in self._jobs.values():
            job.heard.put(None)
            job.thread.join(20)


class _Job:
    device = "cpu"

    def __init__(self, side: str, spec: bytes) -> None:
        self.heard: queue.Queue[bytes | None] = queue.Queue()
        self.said: queue.Queue[ms.ToFront] = queue.Queue()
        self._side = side
        self.thread = threading.Thread(target=self._serve, args=(spec,), daemon=True)
        self.thread.start()

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

    def _serve(self, spec: bytes) -> None:
        try:
            serve(spec, self)
        except Gone:
            pass
        except Problem as problem:
            self.said.put(ms.Ended(side=self._side, problem=problem.as_dict()))
