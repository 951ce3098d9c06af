"""A command's conversation with the engine: nothing said is lost, and nothing is waited for in vain."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from engine import bus
from engine import messages as ms
from engine.client.link import Link
from engine.problem import Problem
from engine.server.address import Address
from openlora_tui.cli.session import Session
from tests.tui.fake_engine import FakeEngine

FRONT = """
import sys
import threading
from pathlib import Path
from engine import bus
from engine.client.link import Link
bus.SILENT = 1.0
link = Link(Path(sys.argv[1]), start_engine=False)
link.start()
sys.stdin.read()
"""


class _Answering(FakeEngine):
    """Gives all its answers in one go, as a slow poll would find them."""

    def __init__(self, *after: ms.ToFront) -> None:
        super().__init__()
        self._after = after

    def send(self, message: ms.Message) -> None:
        if isinstance(message, ms.Begin):
            self.push(ms.Accepted(request=message.request, run="side-1"), *self._after)


def session(engine: FakeEngine) -> Session:
    opened = Session(Path("/nowhere"))
    opened._link = cast(Link, engine)
    return opened


def test_what_a_quick_job_says_together_with_the_answer_is_heard() -> None:
    engine = _Answering(ms.Said(side="side-1", body=b"one"), ms.Ended(side="side-1"))
    with session(engine) as front, front.begin("inspect", b"{}") as talk:
        assert list(talk.bodies()) == [b"one"]


def test_a_job_that_failed_before_its_answer_was_read_is_a_problem() -> None:
    engine = _Answering(ms.Ended(side="side-1", problem={"what": "It failed."}))
    with session(engine) as front, front.begin("inspect", b"{}") as talk:
        with pytest.raises(Problem, match="It failed"):
            list(talk.bodies())


def test_a_request_to_an_engine_that_ended_is_not_waited_for() -> None:
    engine = _Answering()
    with session(engine) as front:
        later = threading.Timer(0.3, engine.push, [ms.Welcome(pid=2, version="0.1", home=engine.home)])
        later.start()
        with pytest.raises(Problem, match="The engine ended before it answered"):
            front.act("1", "pause")
        later.join()


def test_a_front_end_that_was_stopped_for_long_greets_the_engine_anew(home: Path) -> None:
    boxes = bus.Mailboxes()
    address = Address(home, boxes)
    words = [sys.executable, "-c", FRONT, str(home)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE)
    try:
        first = _hello(boxes)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        assert _hello(boxes).front == first.front
    finally:
        process.kill()
        process.wait(timeout=30)
        address.withdraw()


def _hello(boxes: bus.Mailboxes) -> ms.Hello:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for message in map(ms.to_engine, boxes.take(bus.ENGINE)):
            if isinstance(message, ms.Hello):
                return message
        time.sleep(0.02)
    raise AssertionError("no greeting came")


class _Listing(FakeEngine):
    """Ends before it answers the first question, and the next one answers."""

    def send(self, message: ms.Message) -> None:
        if isinstance(message, ms.ListRuns) and self.sent:
            self.push(ms.Runs(rows=[], whole=True, request=message.request))
        elif isinstance(message, ms.ListRuns):
            self.sent.append(message)
            self.push(ms.Welcome(pid=2, version="0.1", home=self.home))


def test_a_question_that_changes_nothing_is_put_to_the_next_engine_too() -> None:
    with session(_Listing()) as front:
        assert front.rows() == []
        assert front.welcome.pid == 2


def test_a_line_that_fails_in_an_unforeseen_way_says_so_and_tries_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter([RuntimeError("no threads left")])

    def connect(root: Path) -> bus.Boxes:
        raise next(calls, ConnectionRefusedError("nobody"))

    monkeypatch.setattr(bus, "connect", connect)
    monkeypatch.setattr("engine.client.link._RETRY", 0.05)
    link = Link(home, start_engine=False)
    link.start()
    _until(lambda: "no threads left" in link.trouble)
    _until(lambda: "nobody" in link.trouble)
    link.close()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
