"""Who is listened to next: everyone in turn, and quick questions before runs that have to be written."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from engine import bus
from engine import messages as m
from engine.server.turns import Turns

CONTEXT = m.JobContext(python="", cwd="/", umask=0)


def _submit(front: str, number: int = 0) -> m.Submit:
    return m.Submit(front=front, request=str(number), name="n", recipe="", context=CONTEXT)


def _taken(turns: Turns) -> list[m.ToEngine | m.Strange]:
    return [message for _ in range(len(turns)) if (message := turns.next()) is not None]


def test_a_front_end_with_many_requests_does_not_hold_up_the_others() -> None:
    turns = Turns()
    for number in range(100):
        turns.add(_submit("greedy", number))
    turns.add(_submit("modest"))
    assert [message.front for message in (turns.next(), turns.next()) if isinstance(message, m.Submit)] == [
        "greedy",
        "modest",
    ]


def test_a_question_is_answered_before_runs_are_written() -> None:
    turns = Turns()
    for front in "abc":
        turns.add(_submit(front))
    asked = m.Watch(front="d", run="1")
    turns.add(asked)
    assert turns.next() is asked


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=40))
def test_all_are_taken_once_and_each_sender_s_in_their_order(asked: list[tuple[str, bool]]) -> None:
    turns = Turns()
    sent = [
        _submit(front, number) if slow else m.ListRuns(front=front, request=str(number))
        for number, (front, slow) in enumerate(asked)
    ]
    for message in sent:
        turns.add(message)
    taken = _taken(turns)
    assert len(turns) == 0
    assert turns.next() is None
    for front in "abcd":
        assert [x for x in taken if getattr(x, "front", "") == front] == [x for x in sent if x.front == front]


def test_who_writes_to_an_engine_that_cannot_keep_up_waits_and_nothing_is_lost() -> None:
    boxes = bus.Mailboxes()
    numbers = [str(number).encode() for number in range(20_000)]
    done = threading.Event()

    def write() -> None:
        for at in range(0, len(numbers), 100):
            boxes.exchange("front-1", numbers[at : at + 100])
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert not done.wait(0.3)
    came: list[bytes] = []
    while not (done.is_set() and not boxes.names()) and len(came) < len(numbers):
        boxes.wait(1.0)
        came += boxes.take(bus.ENGINE)
    assert came == numbers
    assert not boxes.overflowed(bus.ENGINE)
