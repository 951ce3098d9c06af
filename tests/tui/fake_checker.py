"""An engine whose side job `preflight` is the real one, in a thread of the test."""

from __future__ import annotations

import queue
import threading

from engine import messages as ms
from engine.line import Gone
from engine.preflight import talk
from engine.preflight.serve import serve
from tests.tui.fake_engine import FakeEngine


class CheckingEngine(FakeEngine):
    """Begins checks of recipes; all else is the fake engine's."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, _Job] = {}

    def send(self, message: ms.Message) -> None:
        super().send(message)
        if isinstance(message, ms.Begin) and message.job == "preflight":
            side = f"side-{len(self.jobs) + 1}"
            self.jobs[side] = _Job(side, message.spec)
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


class _Job:
    device = "cpu"

    def __init__(self, side: str, spec: bytes) -> None:
        self.heard: queue.Queue[bytes | None] = queue.Queue()
        self.said: queue.Queue[ms.ToFront] = queue.Queue()
        self.looks = [talk.look(spec)]
        self._side = side
        self._thread = threading.Thread(target=self._serve, args=(spec,), daemon=True)
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
        self.looks.append(talk.look(body))
        return body

    def leave(self) -> None:
        """End as where nothing was asked for a while."""
        self.heard.put(None)
        self._thread.join(20)

    def _serve(self, spec: bytes) -> None:
        try:
            serve(spec, self)
        except Gone:
            self.said.put(ms.Ended(side=self._side))
