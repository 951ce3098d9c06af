"""Orders: a pause waits, and a checkpoint asked for in one is written without ending it for good."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

from engine.job import Order
from engine.train.journal import Journal
from engine.train.listening import Listener


class Given:
    """Orders that a test hands over one by one."""

    def __init__(self, *orders: Order) -> None:
        self.waiting = deque(orders)

    def next(self) -> tuple[Order, str] | None:
        return (self.waiting.popleft(), "a test") if self.waiting else None


def _listener(orders: Given) -> tuple[Listener, list[str]]:
    told: list[str] = []
    return Listener(orders, Journal(lambda event: told.append(type(event).__name__))), told


def test_save_in_a_pause_lets_the_step_end_and_waits_again() -> None:
    orders = Given("pause", "save")
    listener, told = _listener(orders)
    listener.listen()
    assert listener.save
    assert told == ["Paused", "Continued"]
    orders.waiting.append("continue")
    listener.saved()
    assert not listener.save
    assert told == ["Paused", "Continued", "Paused", "Continued"]


def test_continue_before_the_checkpoint_is_written_ends_the_pause() -> None:
    orders = Given("pause", "save", "continue")
    listener, told = _listener(orders)
    listener.listen()
    listener.saved()
    assert told == ["Paused", "Continued"]


def test_stop_in_a_pause_is_obeyed() -> None:
    listener, told = _listener(Given("pause", "stop"))
    listener.listen()
    assert listener.leaving == "stop"
    assert told == ["Paused", "Continued", "Stopping"]


def test_what_comes_after_a_stop_is_left_alone() -> None:
    orders = Given("stop", "pause")
    listener, _ = _listener(orders)
    listener.listen()
    assert list(orders.waiting) == ["pause"]


def test_ranks_agree_on_the_very_rate_that_was_asked_for() -> None:
    listener, _ = _listener(Given())
    listener.rate = 1e-4
    # Nothing but what the hosts tell each other: a device would be waited for, twice a step.
    leader = SimpleNamespace(world=2, told=lambda figures: [*map(float, figures)])
    listener.agree(leader)  # type: ignore[arg-type]
    assert listener.rate == 1e-4
