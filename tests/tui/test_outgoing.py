"""What is written to a terminal arrives in order, and the writer waits for nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from openlora_tui.terminal.outgoing import Outgoing

FULL = "x" * 200_000
"""More than a pipe takes unread."""


class Pipe:
    """A terminal's two ends."""

    def __init__(self, *, utf8: bool = True) -> None:
        self.reads, self.writes = os.pipe()
        self.gone, self.caught_up = threading.Event(), threading.Event()
        self.out = Outgoing(self.writes, utf8=utf8, caught_up=self.caught_up.set, gone=self.gone.set)

    def read(self, count: int) -> bytes:
        came = b""
        while len(came) < count:
            came += os.read(self.reads, count - len(came))
        return came


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.out.close()


@given(st.lists(st.text()))
def test_all_of_it_arrives_in_order(texts: list[str]) -> None:
    pipe = Pipe()
    for text in texts:
        pipe.out.write(text)
    pipe.out.close()
    os.close(pipe.writes)
    with open(pipe.reads, "rb") as file:
        assert file.read() == "".join(texts).encode("utf-8", "replace")


@given(st.text(st.characters(exclude_categories=["C", "M", "Z"])))
def test_without_utf8_each_character_keeps_its_width(text: str) -> None:
    pipe = Pipe(utf8=False)
    pipe.out.write(text)
    pipe.out.close()
    os.close(pipe.writes)
    with open(pipe.reads, "rb") as file:
        sent = file.read().decode("ascii")
    assert len(sent) == sum(cell_len(char) for char in text)


def test_a_reader_who_is_slow_stops_nobody_and_is_waited_for_by_nothing_but_the_thread(pipe: Pipe) -> None:
    pipe.out.write(FULL)
    for _ in range(1000):
        pipe.out.write("y")
    end = time.monotonic() + 30
    while not pipe.out.behind():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not pipe.caught_up.is_set()
    assert pipe.read(len(FULL) + 1000) == (FULL + "y" * 1000).encode()
    assert pipe.caught_up.wait(30)


def test_one_that_does_not_block_is_written_whole(pipe: Pipe) -> None:
    os.set_blocking(pipe.writes, False)
    pipe.out.write(FULL)
    assert pipe.read(len(FULL)) == FULL.encode()


def test_a_reader_who_leaves_is_told_of_and_nothing_is_kept_for_them(pipe: Pipe) -> None:
    os.close(pipe.reads)
    pipe.out.write("into the void")
    assert pipe.gone.wait(30)
    for _ in range(100):
        pipe.out.write(FULL)
    assert not pipe.out.behind()


def test_one_who_never_reads_does_not_keep_the_app() -> None:
    pipe = Pipe()
    pipe.out.write(FULL)
    closing = threading.Thread(target=pipe.out.close)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()
    os.close(pipe.reads)
