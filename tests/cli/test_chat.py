"""`openlora chat` before the wire: what it asks, what it prints, and what ctrl+c does while it waits."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from engine.chat import spoken
from engine.chat.spoken import Ask, Done, Piece, Ready, Sampling, Side, Stop
from engine.problem import Problem
from openlora_tui.cli.chat import document
from openlora_tui.cli.chat_talk import Chat
from openlora_tui.cli.session import Talk
from openlora_tui.sampling import changed

READY = Ready(
    model="/m", adapter="/a", sides=["base", "adapter"], context=128, form="chat", trained="chat",
    template=True, sampling=Sampling(), device="cpu", dtype="float32", seconds=1.0,
)  # fmt: skip


class Wire:
    """A line whose worker answers each ask in two pieces; `during` is done between them."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.asked: list[Any] = []
        self._during = during

    def tell(self, body: bytes) -> None:
        said = spoken.to_worker(body)
        self.asked.append(said)

    def bodies(self) -> Iterator[bytes]:
        yield spoken.encode(READY)
        answered = 0
        while True:
            ask = [said for said in self.asked if isinstance(said, Ask)][answered]
            answered += 1
            [side] = ask.turns
            yield spoken.encode(Piece(number=ask.number, side=side, text=f" {side} "))
            self._during()
            stopped = isinstance(self.asked[-1], Stop)
            yield spoken.encode(Piece(number=ask.number, side=side, text="" if stopped else "says\x1b[2J"))
            text = f" {side} " if stopped else f" {side} says\x1b[2J"
            yield spoken.encode(
                Done(
                    number=ask.number, side=side, text=text, tokens=2, tokens_per_second=9.0,
                    stopped_by="asked" if stopped else "stop",
                )
            )  # fmt: skip


def chat(*sides: Side, during: Callable[[], None] = lambda: None) -> tuple[Chat, Wire]:
    wire = Wire(during)
    made = Chat(cast("Talk", wire), sides or ("adapter",))
    made.load()
    return made, wire


def test_both_sides_are_asked_one_after_the_other_each_with_its_own_past(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, wire = chat(*spoken.SIDES)
    made.answer("first", show=True)
    exchange = made.answer("second", show=False)
    assert capsys.readouterr().out == "[base]\nbase says\x1b[2J\n[adapter]\nadapter says\x1b[2J\n"
    said = [[turn.content for turn in turns] for ask in wire.asked for turns in ask.turns.values()]
    assert said[2:] == [["first", "base says\x1b[2J", "second"], ["first", "adapter says\x1b[2J", "second"]]
    assert document(exchange)["text"] == document(exchange)["adapter"] == " adapter says\x1b[2J"


def test_ctrl_c_ends_the_answer_and_keeps_what_was_said() -> None:
    made, wire = chat("base", "adapter", during=lambda: os.kill(os.getpid(), signal.SIGINT))
    exchange = made.answer("go", show=False)
    assert wire.asked[1:] == [Stop()]
    assert made.interrupted
    assert document(exchange)["text"] == " base "
    assert document(exchange)["stopped_by"] == "asked"


def test_a_second_ctrl_c_leaves() -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    made, _ = chat(during=twice)
    with pytest.raises(KeyboardInterrupt):
        made.answer("go", show=False)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_once_more_draws_with_the_next_seed_and_forgets_the_answer_before() -> None:
    made, wire = chat()
    made.conversation.sampling = Sampling(temperature=0.5, seed=4)
    made.answer("go", show=False)
    made.answer("go", show=False, again=True)
    assert [ask.sampling.seed for ask in wire.asked] == [4, 5]
    assert [len(ask.turns["adapter"]) for ask in wire.asked] == [1, 1]


@pytest.mark.parametrize(
    ("name", "text"), [("temperature", "warm"), ("top_p", "0"), ("top_k", "1.5"), ("max_new_tokens", "")]
)
def test_a_value_that_nothing_can_be_drawn_with_is_refused_with_its_bounds(name: str, text: str) -> None:
    with pytest.raises(Problem, match=name) as caught:
        changed(Sampling(), {name: text})
    assert "number" in caught.value.why
