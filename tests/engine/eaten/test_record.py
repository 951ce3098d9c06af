"""The rows of a step, told without torch, are those that the loop drew."""

from __future__ import annotations

from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import events as ev
from engine.eaten.look import told_of
from engine.eaten.order import drawn_rows
from engine.eaten.record import Record, Stretch, read, write
from engine.train.batches.feed import Feed, Position


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(0, 1 << 32), st.integers(0, 3000), st.integers(0, 64))
def test_the_order_is_that_of_torch(rows: int, seed: int, begin: int, count: int) -> None:
    whole = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).tolist()
    assert drawn_rows(rows, seed, begin, begin + count) == whole[begin : begin + count]


def record(rows: int, *stretches: Stretch) -> Record:
    return Record(
        seed=7, rows=rows, data="", day="2026-01-01", max_length=64, tokenizer="", shelf=None,
        stretches=list(stretches),
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20), st.integers(0, 12))
def test_each_step_is_found_where_the_feed_drew_it(rows: int, first: int, then: int, changed: int) -> None:
    found = record(rows)
    at, feed = Position(), Feed(rows, first, 7)
    found.go_on(Stretch(0, 0, 0, first))
    for step in range(1, 25):
        if step - 1 == changed:
            feed = Feed(rows, then, 7)
            found.go_on(Stretch(step - 1, at.epoch, at.seen, then))
        drawn, at = feed.take(at)
        place = found.place(step)
        assert place is not None
        assert drawn_rows(rows, found.seed + place.epoch, place.begin, place.end) == drawn


def test_steps_that_are_done_again_are_told_as_they_were_done_last(tmp_path: Path) -> None:
    found = record(40, Stretch(0, 0, 0, 4), Stretch(6, 0, 24, 8))
    found.go_on(Stretch(4, 0, 16, 2))
    write(tmp_path, found)
    assert read(tmp_path) == found
    assert [s.step for s in found.stretches] == [0, 4]
    assert found.place(5) == (0, 16, 18)
    assert found.place(0) is None
    assert read(tmp_path / "nowhere") is None


def test_the_last_word_on_a_step_counts(tmp_path: Path) -> None:
    told = [
        ev.Step(step=step, loss=loss, lr=1e-4, grad_norm=1.0, tokens=1, label_tokens=1, seconds=1, epoch=0)
        for step, loss in [(1, 3.0), (2, 2.0), (12, 9.0), (2, 1.5), (3, 1.0)]
    ]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(ev.encode, [*told, ev.Saved(step=2, path="", bytes=1, seconds=1)])))
    found = told_of(path, 2)
    assert found is not None
    assert found.loss == 1.5
    assert told_of(path, 5) is None
    assert told_of(tmp_path / "none", 2) is None
