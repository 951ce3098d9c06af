"""Encoded rows are kept for the next run: the same to the bit, told the same, and never taken for others."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.prepare import Prepared, prepare
from engine.data.rejects import NAME
from engine.data.rules import rules_of
from engine.data.shelf import shelf as shelves
from engine.data.shelf.shelf import Shelf, opened, remove
from engine.data.tokenizer import ModelTokenizer
from engine.recipe.recipe import Recipe

Make = Callable[..., ModelTokenizer]


BASE: dict[str, Any] = {"model": "m", "eval_split": 0.2, "max_length": 100}


class Kept:
    """A home's shelf, and how it is used."""

    def __init__(self, folder: Path, tokenizer: ModelTokenizer) -> None:
        self.folder, self.tokenizer = folder / "tokens", tokenizer
        self.run = folder / "run"
        self.run.mkdir()
        self.data = folder / "rows.jsonl"
        self.said: list[str] = []
        self.ticks: list[int] = []

    def write(self, rows: list[Any]) -> None:
        self.data.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))

    def prepare(self, **changes: Any) -> Prepared:
        recipe = Recipe(**(BASE | {"data": str(self.data)} | changes))
        tokenizer = ModelTokenizer(self.tokenizer.folder, rules=rules_of(recipe))
        self.ticks.clear()
        shelf = Shelf(self.folder, self.said.append)
        return prepare(recipe, tokenizer, self.ticks.append, rejects=self.run / NAME, shelf=shelf)

    @property
    def entries(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_dir())


ROWS = [{"question": f"what is {i}", "answer": "word " * (1 + i % 30)} for i in range(60)]


@pytest.fixture
def kept(tmp_path: Path, tokenizer: Make) -> Kept:
    made = Kept(tmp_path, tokenizer())
    made.write(ROWS)
    return made


def same(one: Prepared, other: Prepared) -> None:
    assert one.train.digest() == other.train.digest()
    assert one.eval is not None
    assert other.eval is not None
    assert one.eval.digest() == other.eval.digest()
    assert [one.train.row(i) for i in range(len(one.train))] == [
        other.train.row(i) for i in range(len(other.train))
    ]
    assert [one.train.source(i) for i in range(len(one.train))] == [
        other.train.source(i) for i in range(len(other.train))
    ]
    assert (one.train.tokens, one.train.label_tokens) == (other.train.tokens, other.train.label_tokens)
    assert one.findings == other.findings
    assert (one.shapes, one.probes, one.chats) == (other.shapes, other.probes, other.chats)


def test_a_second_start_maps_what_the_first_one_encoded_and_says_the_same(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = prepare(Recipe(**(BASE | {"data": str(kept.data)})), kept.tokenizer)
    first = kept.prepare()
    monkeypatch.setattr(ModelTokenizer, "encode_many", None)  # nothing is encoded any more
    second = kept.prepare()
    same(plain, first)
    same(first, second)
    assert any("cut at 100 tokens" in finding.title for finding in second.findings)
    assert kept.said == []
    assert len(kept.entries) == 1


def test_bad_rows_are_kept_again_by_every_run(kept: Kept) -> None:
    kept.write([*ROWS, "{broken\n", {"question": "no answer", "answer": 5}])
    first = kept.prepare(bad_rows="drop")
    lines = (kept.run / NAME).read_bytes()
    (kept.run / NAME).unlink()
    second = kept.prepare(bad_rows="drop")
    assert (kept.run / NAME).read_bytes() == lines
    same(first, second)
    assert any("left out that cannot be learnt from" in finding.title for finding in second.findings)


@pytest.mark.parametrize(
    "changes",
    [{"max_length": 101}, {"train_on": "all"}, {"truncation": "drop"}, {"bad_rows": "drop"},
     {"chat_template": "chatml"}],
)  # fmt: skip
def test_what_changes_the_encoding_makes_another_entry(kept: Kept, changes: dict[str, Any]) -> None:
    kept.prepare()
    found = kept.prepare(**changes)
    assert len(kept.entries) == 2
    recipe = Recipe(**(BASE | {"data": str(kept.data)} | changes))
    plain = prepare(recipe, ModelTokenizer(kept.tokenizer.folder, rules=rules_of(recipe)))
    same(plain, found)


def test_what_only_changes_training_takes_the_same_entry(kept: Kept) -> None:
    kept.prepare()
    found = kept.prepare(seed=7, eval_split=0.5, learning_rate=1.0)
    assert len(kept.entries) == 1
    assert len(found.train) == 30


def test_pairs_of_answers_are_mapped_as_they_were_encoded(kept: Kept) -> None:
    kept.write(
        [
            {"prompt": f"what is {i}", "chosen": "one " * (1 + i % 5), "rejected": "two three"}
            for i in range(30)
        ]
    )
    plain = prepare(Recipe(**(BASE | {"data": str(kept.data), "objective": "dpo"})), kept.tokenizer)
    first, second = kept.prepare(objective="dpo"), kept.prepare(objective="dpo")
    same(plain, first)
    same(first, second)
    for i in range(len(plain.train)):
        assert plain.train.sequences(i) == second.train.sequences(i)
        assert len(second.train.sequences(i)) == 2


def test_other_contents_of_the_same_size_and_time_are_not_taken_for_the_old_ones(kept: Kept) -> None:
    facts = kept.data.stat()
    first = kept.prepare()
    kept.data.write_text(kept.data.read_text().replace("what", "when"))
    os.utime(kept.data, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert kept.prepare().train.digest() != first.train.digest()


def test_another_tokenizer_in_the_same_place_makes_another_entry(kept: Kept) -> None:
    kept.prepare()
    config = kept.tokenizer.folder / "generation_config.json"
    config.write_text(json.dumps({"eos_token_id": 3}))
    kept.prepare()
    assert len(kept.entries) == 2


@pytest.mark.parametrize("name", ["ids", "mask", "offsets", "line_of", "meta.json", "told.json"])
@pytest.mark.parametrize("how", ["cut", "flip", "gone"])
def test_a_damaged_entry_is_told_of_and_not_used(kept: Kept, name: str, how: str) -> None:
    kept.prepare()
    file = kept.entries[0] / name
    raw = bytearray(file.read_bytes())
    if how == "flip" and name == "told.json":
        raw[0] ^= 1
    elif how == "flip":
        raw[len(raw) // 2] ^= 0x10
    file.unlink()
    if how != "gone":
        file.write_bytes(raw[: len(raw) // 2] if how == "cut" else raw)
    plain = prepare(Recipe(**(BASE | {"data": str(kept.data)})), kept.tokenizer)
    same(plain, kept.prepare())
    [said] = kept.said
    assert "is damaged and is not used" in said
    same(plain, kept.prepare())
    assert kept.said == [said], "it was not encoded and kept anew"


def test_where_the_folder_cannot_be_written_the_rows_are_encoded_and_it_is_said(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelves, "_write", full)
    first = kept.prepare()
    assert kept.said == ["the encoded rows are not kept for the next start: No space left on device"]
    assert [path.name for path in kept.folder.iterdir() if not path.name.endswith(".lock")] == []
    monkeypatch.undo()
    same(first, kept.prepare())


def test_a_file_that_changes_while_it_is_read_leaves_no_entry(kept: Kept, monkeypatch: Any) -> None:
    write = shelves._write

    def slow(*given: Any) -> None:
        write(*given)
        kept.write(ROWS[:30])

    monkeypatch.setattr(shelves, "_write", slow)
    kept.prepare()
    assert kept.entries == []
    assert "changed while it was read" in kept.said[0]


def _fill(folder: Path, started: Any, go: Any) -> None:
    """Holds the place of an entry until told, then dies with it empty."""
    shelf = Shelf(folder, lambda _: None)
    with shelf.place(lambda: "entry", lambda: None) as place:
        assert place.mine
        started.set()
        go.wait(60)
        os._exit(9)


def test_a_process_that_dies_while_it_fills_a_place_lets_the_next_one_fill_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started, go = context.Event(), context.Event()
    process = context.Process(target=_fill, args=(tmp_path, started, go))
    process.start()
    assert started.wait(120)
    waited = threading.Event()

    def waiting() -> None:
        if not waited.is_set():
            waited.set()
            go.set()

    with Shelf(tmp_path, lambda _: None).place(lambda: "entry", waiting) as place:
        assert waited.is_set()
        assert place.mine
    process.join(60)


def test_an_entry_in_use_is_not_removed(kept: Kept) -> None:
    found = kept.prepare()
    [entry] = kept.entries
    assert not remove(entry)
    assert opened(entry).rows.highest == found.train.rows.highest
    del found
    assert remove(entry)
    assert kept.entries == []
