"""Weights: how often an epoch draws the rows of an entry, the same in every reading."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import ModelTokenizer, Prepared, prepare
from engine.recipe import Recipe
from engine.sources.entry import Entry
from engine.sources.mix import times

Make = Callable[..., ModelTokenizer]


@given(st.floats(0.001, 20), st.integers(0, 99), st.integers(0, 3000))
def test_a_weight_is_the_share_that_is_drawn(weight: float, seed: int, rows: int) -> None:
    drawn = list(islice(times(weight, seed, 0), rows))
    assert set(drawn) <= {int(weight), int(weight) + 1}
    assert abs(sum(drawn) - rows * weight) <= 10
    assert drawn == list(islice(times(weight, seed, 0), rows))


@given(st.integers(2, 9), st.integers(0, 9))
def test_rows_that_alternate_are_drawn_alike(period: int, seed: int) -> None:
    drawn = list(islice(times(0.5, seed, 0), period * 1000))
    for phase in range(period):
        assert 400 < sum(drawn[phase::period]) < 600


def write(folder: Path, name: str, count: int) -> str:
    rows = (json.dumps({"prompt": f"{name} {i}", "completion": " yes"}) for i in range(count))
    (folder / f"{name}.jsonl").write_text("\n".join(rows))
    return str(folder / f"{name}.jsonl")


def mixed(folder: Path, make: Make, weights: dict[str, float | None], **fields: float) -> Prepared:
    data: list[str | Entry] = [
        Entry(path=write(folder, name, 100), weight=weight) for name, weight in weights.items()
    ]
    return prepare(Recipe(model="m", data=data, **fields), make())  # type: ignore[arg-type]


def drawn(found: Prepared) -> Counter[str]:
    return Counter(found.train.source(i).rpartition("/")[2] for i in range(len(found.train)))


def test_entries_are_mixed_by_their_weights(tmp_path: Path, tokenizer: Make) -> None:
    found = mixed(tmp_path, tokenizer, {"half": 0.5, "plain": None, "twice": 2, "more": 1.25}, eval_split=0)
    rows = drawn(found)
    files = Counter({name: sum(n for row, n in rows.items() if row.startswith(name)) for name in ("half",
                     "plain", "twice", "more")})  # fmt: skip
    assert files["plain"] == 100
    assert files["twice"] == 200
    assert 45 <= files["half"] <= 55
    assert 120 <= files["more"] <= 130
    assert {rows[f"twice.jsonl:{i + 1}"] for i in range(100)} == {2}
    assert {rows[f"half.jsonl:{i + 1}"] for i in range(100)} == {0, 1}


def test_the_seed_decides_the_draw(tmp_path: Path, tokenizer: Make) -> None:
    one, same = (drawn(mixed(tmp_path, tokenizer, {"half": 0.5}, seed=1)) for _ in range(2))
    assert one == same != drawn(mixed(tmp_path, tokenizer, {"half": 0.5}, seed=2))


def test_no_row_is_learnt_and_measured_on(tmp_path: Path, tokenizer: Make) -> None:
    found = mixed(tmp_path, tokenizer, {"often": 3.5}, eval_split=0.2)
    assert found.eval is not None
    held = [found.eval.source(i) for i in range(len(found.eval))]
    assert len(held) == len(set(held)) == 20
    assert not set(held) & {found.train.source(i) for i in range(len(found.train))}


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_of_plain_text_windows_are_drawn(tmp_path: Path, tokenizer: Make, weight: float) -> None:
    (tmp_path / "book.txt").write_text("the quick brown fox says hello to the world\n" * 400)
    whole = prepare(
        Recipe(model="m", data=str(tmp_path / "book.txt"), max_length=32, eval_split=0), tokenizer()
    )
    data = Entry(path=str(tmp_path / "book.txt"), weight=weight)
    found = prepare(Recipe(model="m", data=data, max_length=32, eval_split=0), tokenizer())
    assert abs(len(found.train) - weight * len(whole.train)) <= 3
