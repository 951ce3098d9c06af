"""How a model is loaded beside training: its memory, its threads and its cards come after those of runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.llama.gguf import Gguf
from engine.local_model.neighbours import Neighbour, Neighbours
from engine.local_model.room import how, left_over, needs
from engine.messages import Gpu
from engine.run_dir import RunDir

GIB = 1 << 30
MODEL = Gguf(path=Path("m.gguf"), bytes=4 * GIB, layers=28, context=32768, width=1024)


def card(used: int = 0, total: int = 24, index: int = 0) -> Gpu:
    return Gpu(index=index, name="card", uuid=f"GPU-{index}", used=used * GIB, total=total * GIB)


def test_an_idle_card_takes_the_whole_model() -> None:
    way = how(MODEL, [], [card()], 64 * GIB, 8)
    assert (way.gpu_layers > MODEL.layers, way.card, way.context) == (True, "GPU-0", 8192)


@pytest.mark.parametrize(
    ("beside", "layers"),
    [
        (Neighbour(("cuda:0",), 10 * GIB), True),
        (Neighbour(("cuda:0",), 22 * GIB), False),
        (Neighbour(("cuda:0",), None), False),
        (Neighbour(), False),
        (Neighbour(("cuda:1",), 23 * GIB), True),
    ],
    ids=[
        "room beside it",
        "no room beside it",
        "its need is not known",
        "it waits for a card",
        "on another card",
    ],
)
def test_layers_go_to_a_card_only_from_what_its_runs_leave_over(beside: Neighbour, layers: bool) -> None:
    way = how(MODEL, [beside], [card(used=1)], 64 * GIB, 8)
    assert (way.gpu_layers > 0) is layers
    assert not way.refused


def test_some_of_the_layers_where_not_all_fit_and_none_where_few_do() -> None:
    some = how(MODEL, [], [card(used=20)], 64 * GIB, 8)
    assert 0 < some.gpu_layers < MODEL.layers
    assert how(MODEL, [], [card(used=22)], 64 * GIB, 8).gpu_layers == 0


def test_the_card_with_the_most_left_over_is_taken() -> None:
    assert how(MODEL, [], [card(used=15), card(index=1)], 64 * GIB, 8).card == "GPU-1"


def test_a_run_on_the_cpu_is_left_all_threads_but_one() -> None:
    assert how(MODEL, [Neighbour(("cpu",), None)], [], 64 * GIB, 16).threads == 1
    assert how(MODEL, [Neighbour(("cuda:0",), GIB)], [], 64 * GIB, 8).threads == 4
    assert how(MODEL, [], [], 64 * GIB, 8).threads == 7
    assert how(MODEL, [], [], 64 * GIB, 1).threads == 1


def test_a_model_that_does_not_fit_is_refused_with_its_size() -> None:
    assert "it needs 4." in how(MODEL, [], [], 3 * GIB, 4).refused
    assert how(MODEL, [], [], 5 * GIB, 4).refused == ""


@given(st.integers(0, 30), st.integers(0, 30), st.lists(st.integers(0, 30) | st.none(), max_size=3))
def test_what_is_taken_of_a_card_never_reaches_what_its_runs_need(
    used: int, free: int, needed: list[int | None]
) -> None:
    beside = [Neighbour(("cuda:0",), None if need is None else need * GIB) for need in needed]
    the = card(used=used, total=30)
    way = how(MODEL, beside, [the], free * GIB, 8)
    taken = min(way.gpu_layers / (MODEL.layers + 1), 1) * (MODEL.bytes + MODEL.cache_bytes(way.context))
    assert taken <= left_over(the, beside)
    if None in needed:
        assert way.gpu_layers == 0
    elif way.gpu_layers:
        assert taken + sum(need or 0 for need in needed) * GIB <= the.total
    elif not way.refused:
        assert needs(MODEL, way.context) <= free * GIB


def test_neighbours_are_read_from_the_runs_that_have_not_ended(home: Path) -> None:
    watch = Neighbours(home)
    assert watch.now() == []
    directory = RunDir(home, "3")
    directory.path.mkdir(parents=True)
    now = time.time()
    told = [ev.Created(t=now, run="3", name="n", model="m", data=[]), ev.Queued(t=now, reason="waits")]
    directory.events.write_bytes(b"".join(map(ev.encode, told)))
    directory.mark_live()
    assert watch.now() == [Neighbour()]
    more = [ev.Started(t=now, pid=1, host="h", device="cuda:0"), ev.Predicted(t=now, bytes=100)]
    with directory.events.open("ab") as file:
        file.write(b"".join(map(ev.encode, more)))
    assert watch.now() == [Neighbour(("cuda:0",), 110)]
    directory.mark_ended()
    assert watch.now() == []
