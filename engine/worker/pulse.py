"""The worker's pulse: passes events on, beats beside the loop, and says when the loop has stopped moving."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Any, Final

import psutil

from engine import events as ev
from engine import oom_kills
from engine.event_log import EventWriter
from engine.findings import Finding
from engine.worker.appetite import Appetite

_BEAT: Final = 2.0
_STALL: Final = 60.0
_STALL_STEPS: Final = 10.0
"""A step ten times as long as usual counts as a stall, and never less than a minute."""


class Pulse:
    """Beats every two seconds from a thread, so that a loop stuck in native code is still seen to live."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._process = psutil.Process()
        self._appetite = Appetite(events.write)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._moved = time.monotonic()
        self._usual = 0.0
        self._waiting = False
        self._warned = False
        self.step = 0
        """The last step reported."""
        self.phase = ""
        """The phase that the job is in."""

    def start(self) -> None:
        """Begin to beat."""
        self._process.cpu_percent(None)
        self._thread.start()

    def stop(self) -> None:
        """Stop beating; no beat comes after this returns, so that the last event is the last."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._appetite.look()

    def report(self, event: ev.Event) -> None:
        """Pass on one event of the job; also a sign that the loop moves."""
        self._moved = time.monotonic()
        self._warned = False
        match event:
            case ev.Step():
                self.step = event.step
                self._usual = (
                    self._usual + 0.1 * (event.seconds - self._usual) if self._usual else event.seconds
                )
            case ev.Phase():
                self.phase = event.name
                self._appetite.enter(event.name)
            case ev.Paused():
                self._waiting = True
            case ev.Continued():
                self._waiting = False
        self._events.write(event)
        if isinstance(event, ev.Phase) and event.name == "saving":
            self._events.sync()  # what a checkpoint builds on outlives a power cut where the checkpoint does

    def _beat(self) -> None:
        while not self._stopped.wait(_BEAT):
            quiet = time.monotonic() - self._moved
            held, peak = _device_bytes()
            kills = oom_kills.counted()
            self._events.write(
                ev.Heartbeat(
                    cpu=self._process.cpu_percent(None) / 100,
                    rss=self._process.memory_info().rss,
                    device_bytes=held,
                    device_peak=peak,
                    quiet=round(quiet, 1),
                    kills=kills,
                )
            )
            self._appetite.look()
            limit = max(_STALL, _STALL_STEPS * self._usual)
            if quiet > limit and not self._waiting and not self._warned:
                self._warned = True
                self._events.write(ev.Found(finding=self._stalled(quiet)))

    def _stalled(self, quiet: float) -> Finding:
        frames = sys._current_frames().get(threading.main_thread().ident or 0)
        stack = traceback.format_stack(frames)[-6:] if frames else []
        usual = f" A step usually takes {self._usual:.1f} s." if self._usual else ""
        return Finding(
            category="hang_or_slow",
            severity="warning",
            confidence=0.7,
            title=f"Nothing has moved for {quiet:.0f} s while {self.phase or 'starting'}",
            evidence=[line.strip() for part in stack for line in part.splitlines()],
            cause=f"The loop waits in the place that the evidence ends with.{usual}",
            remedy="Wait, if it is a download or a first compilation; else stop it and see its console.",
            step=self.step or None,
        )


def _device_bytes() -> tuple[int, int]:
    """Bytes that torch holds on the accelerator now and at most; zeros while torch is not in use."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return 0, 0
    return int(cuda.memory_allocated()), int(cuda.max_memory_allocated())
