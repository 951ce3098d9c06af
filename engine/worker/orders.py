"""The orders for this worker: from the engine's bus, and from signals."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from types import FrameType
from typing import Final

from engine import bus
from engine import messages as m
from engine.event_log import EventWriter
from engine.job import Order
from engine.run_dir import RunDir

_PERIOD: Final = 0.2
_RETRY: Final = 1.0


class OrderBook:
    """Collects orders beside the loop, which asks for the next one between two micro-batches.

    SIGTERM and SIGUSR1 mean: save and end, to be resumed; SIGINT means: save and stop. An engine
    that dies is waited for; the next one listens at the same name.
    """

    def __init__(self, directory: RunDir, events: EventWriter) -> None:
        self._root = directory.root
        self._name = f"worker-{directory.run}"
        self._folder = str(directory.path)
        self._events = events
        self._orders: deque[tuple[Order, str]] = deque()

    def next(self) -> tuple[Order, str] | None:
        """The oldest order not yet seen and who gave it, or None; `wait` while events have no room."""
        if self._orders:
            return self._orders.popleft()
        return ("wait", self._folder) if self._events.short() else None

    def listen(self) -> None:
        """Begin to listen to signals and to the engine, if there is one."""
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            signal.signal(number, self._signalled)
        threading.Thread(target=self._poll, name="orders", daemon=True).start()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        order: Order = "stop" if number == signal.SIGINT else "interrupt"
        self._orders.append((order, signal.Signals(number).name))

    def _poll(self) -> None:
        boxes = None
        while True:
            try:
                boxes = boxes or bus.connect(self._root)
                for data in boxes.take(self._name):
                    order = m.to_worker(data)
                    if isinstance(order, m.Order):
                        self._take(order)
                time.sleep(_PERIOD)
            except bus.LOST:
                boxes = None
                time.sleep(_RETRY)

    def _take(self, order: m.Order) -> None:
        if order.remark is not None:
            self._events.write(order.remark)  # at once: it does not concern the loop
        if order.verb != "remark":
            self._orders.append((order.verb, repr(order.rate) if order.verb == "rate" else order.by))
