"""Rows and steps of a run are told before anything is tokenised, as the run will count them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.dataset import Dataset, Rows
from engine.data.outlook import Outlook, counted, outlook
from engine.data.refusal import Refusal
from engine.data.split import held_out, split
from engine.recipe import Recipe
from engine.sources.entry import Entry
from engine.sources.resolve import resolve


def write(folder: Path, count: int, name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps({"prompt": f"p{i}", "completion": "c"}) + "\n" for i in range(count)))
    return str(path)


def seen(recipe: Recipe, seconds: float = 0.5) -> Outlook:
    return outlook(recipe, counted(resolve(recipe.data_entries), recipe, seconds))


@pytest.mark.parametrize(
    ("rows", "more", "steps"),
    [(100, {}, 18), (100, {"max_steps": 7}, 7), (9, {}, 3), (100, {"num_train_epochs": 0.1}, 1)],
)
def test_steps_are_counted_as_the_loop_counts_them(
    tmp_path: Path, rows: int, more: dict[str, float], steps: int
) -> None:
    recipe = Recipe(model="m", data=write(tmp_path, rows), **more)  # type: ignore[arg-type]
    found = seen(recipe)
    assert (found.rows, found.steps, found.exact) == (rows, steps, True)
    assert found.shapes == ("prompt_completion",)


def test_several_files_count_together_and_own_evaluation_data_holds_nothing_out(tmp_path: Path) -> None:
    files = [write(tmp_path, 30), write(tmp_path, 34, "more.jsonl")]
    found = seen(Recipe(model="m", data=files, eval_data=files[0]))
    assert (found.rows, found.held, found.steps) == (64, 0, 12)


def test_the_windows_of_plain_text_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("once upon a time\n" * 50)
    found = seen(Recipe(model="m", data=str(tmp_path / "book.txt")))
    assert (found.rows, found.steps, found.shapes) == (None, None, ("text",))


def test_without_time_the_count_says_that_it_is_not_whole(tmp_path: Path) -> None:
    found = seen(Recipe(model="m", data=write(tmp_path, 2000)), seconds=-1.0)
    assert not found.exact
    assert found.steps is None


@pytest.mark.parametrize("text", ["", '{"prompt": 1\n', '{"colour": "red"}\n'])
def test_data_that_cannot_be_learnt_from_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(Refusal) as refusal:
        seen(Recipe(model="m", data=str(tmp_path / "bad.jsonl")))
    assert "bad.jsonl" in refusal.value.where


@given(st.integers(0, 300), st.floats(0, 0.5))
def test_as_many_rows_are_held_out_as_the_outlook_says(count: int, share: float) -> None:
    rows = Rows()
    for line in range(count):
        rows.add([1], b"\1", "f", line)
    held = split(Dataset(rows), share, 1)[1]
    assert held_out(count, share) == (len(held) if held is not None else 0)


def test_weights_and_bad_rows_count_as_they_do_in_training(tmp_path: Path) -> None:
    files = [write(tmp_path, 40, "twice.jsonl"), write(tmp_path, 60, "once.jsonl")]
    with (tmp_path / "once.jsonl").open("a") as file:
        file.write("[1]\n")
    data: list[str | Entry] = [Entry(path=files[0], weight=2), files[1]]
    recipe = Recipe(model="m", data=data, bad_rows="drop", eval_split=0)
    assert (seen(recipe).rows, seen(recipe).steps) == (140, 27)
    held = seen(msgspec.structs.replace(recipe, eval_split=0.5))
    assert (held.held, held.rows) == (50, 120)
