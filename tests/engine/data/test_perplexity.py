"""Answers that surprise the base model far more, or far less, than the others stand out."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.checks.seen import Seen, seen
from engine.data.row import Row as DataRow
from engine.data.shapes import Document
from engine.inspection.surprise import Asked, Measured, Row, encode, measured
from engine.inspection.talk import Spec
from engine.perplexity.draw import drawn


def of(*losses: float) -> Measured:
    rows = [Row(number, f"f:{number}", loss, 20) for number, loss in enumerate(losses)]
    return Measured(rows=rows, measured=len(rows), whole=len(rows), short=0, of=len(rows), done=True)


def usual(count: int) -> list[float]:
    return [random.Random(n).gauss(3.0, 0.3) for n in range(count)]


def test_both_ends_stand_out_and_the_middle_does_not() -> None:
    assert of(*usual(200)).findings() == []
    high, low = of(*usual(200), 9.0, 0.01, 7.5).findings()
    assert (high.check, high.count, high.places) == ("surprising", 2, ["f:200", "f:202"])
    assert (low.check, low.count, low.places) == ("expected", 1, ["f:201"])


@pytest.mark.parametrize("losses", [[], [3.0], [3.0] * 100, [3.0] * 10 + [9.0]])
def test_too_few_or_equal_values_have_no_outliers(losses: list[float]) -> None:
    assert of(*losses).findings() == []


def rows(count: int) -> list[Seen]:
    return [seen(DataRow("f", n, {}), Document("x"), n) for n in range(count)]


@given(st.integers(0, 60), st.integers(1, 40), st.integers(0, 9))
def test_a_draw_is_a_sample_in_the_order_of_the_files(whole: int, count: int, seed: int) -> None:
    sample = drawn(rows(whole), count, seed)
    numbers = [row.number for row in sample.rows]
    assert (len(numbers), sample.of) == (min(whole, count), whole)
    assert numbers == sorted(set(numbers))
    assert numbers == [row.number for row in drawn(rows(whole), count, seed).rows]


class Hearing:
    """A front end that only listens."""

    device = "cpu"

    def __init__(self) -> None:
        self.said: list[Measured] = []

    def say(self, body: bytes) -> None:
        self.said.append(measured(body))

    def hear(self, seconds: float = 0.0) -> None:
        return None


def test_a_real_model_is_surprised_by_what_is_no_story(shared: Path, tmp_path: Path) -> None:
    from engine.perplexity.serve import serve

    text = (shared / "data" / "tinystories_sample" / "tinystories_sample.txt").read_text()
    stories = [
        sentence.strip() + "." for sentence in text.replace("\n", " ").split(".") if len(sentence) > 40
    ]
    noise = "xq zvrk 8#! wqpl jjkx vvz qqx zrtk pplw xxv kjq"
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in [*stories[:60], noise]))
    line = Hearing()
    model = str(shared / "models" / "stories260K")
    serve(encode(Asked(spec=Spec(files=[str(file)], model=model, max_length=256))), line)
    last = line.said[-1]
    assert last.done
    assert last.measured == last.whole == last.of == len(last.rows) + last.short
    assert 3 < last.document()["median"] < 20
    worst = max(last.rows, key=lambda row: row.loss)
    assert worst.where == f"{file}:{last.whole}"
    assert last.findings()[0].places[0] == worst.where


def test_a_loss_is_that_of_transformers_over_the_answer_alone(shared: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from engine.data.encode import draft, labelled
    from engine.data.shapes import Pair
    from engine.data.tokenizer import ModelTokenizer
    from engine.perplexity.measure import BaseModel

    folder = shared / "models" / "stories260K"
    tokenizer = ModelTokenizer(folder)
    pair = Pair("Once upon a time, ", "there was a little girl named Lily.")
    [row] = labelled([draft(DataRow("f", 1, {}), pair, tokenizer)], tokenizer)
    ids = torch.tensor([row.ids])
    labels = torch.where(torch.tensor([list(row.mask)]) == 1, ids, -100)
    with torch.no_grad():
        theirs = AutoModelForCausalLM.from_pretrained(folder)(input_ids=ids, labels=labels).loss
    loss, tokens = BaseModel(folder, "cpu").loss(row, 1024)
    assert loss == pytest.approx(float(theirs), abs=1e-4)
    assert tokens == row.mask.count(1)
    cut = len(row.ids) - 3
    assert BaseModel(folder, "cpu").loss(row, cut)[1] == row.mask.count(1, 0, cut)
