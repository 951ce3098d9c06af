"""Bad rows stop a run with a count and a way on, or are left out, counted and kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import ModelTokenizer, Prepared, Refusal, prepare
from engine.inspection.report import DROP_THEM
from engine.recipe import Recipe

Make = Callable[..., ModelTokenizer]
GOOD = [json.dumps({"prompt": f"question {i}", "completion": f" answer {i}"}) for i in range(20)]
BROKEN, SHAPELESS = '{"prompt": "torn', '{"prompt": "a", "completion": 5, "x": [1]}'


def write(folder: Path, *lines: str, name: str = "rows.jsonl") -> str:
    (folder / name).write_text("".join(line + "\n" for line in lines))
    return str(folder / name)


def done(folder: Path, make: Make, *lines: str, **fields: Any) -> Prepared:
    recipe = Recipe(model="m", data=write(folder, *lines), eval_split=0, **fields)
    return prepare(recipe, make(), rejects=folder / "rejects.jsonl")


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rejects.jsonl").read_text().splitlines()]


def test_the_first_bad_row_stops_and_tells_of_the_others(tmp_path: Path, tokenizer: Make) -> None:
    with pytest.raises(Refusal) as caught:
        done(tmp_path, tokenizer, *GOOD, BROKEN, "[1]", "5")
    assert caught.value.where.endswith("rows.jsonl:21")
    assert "2 more of 23 rows cannot be learnt from either." in caught.value.why
    assert "bad_rows: drop" in caught.value.do
    assert caught.value.patch == DROP_THEM
    assert not (tmp_path / "rejects.jsonl").exists()


def test_rows_that_are_dropped_are_counted_and_kept(tmp_path: Path, tokenizer: Make) -> None:
    found = done(tmp_path, tokenizer, BROKEN, *GOOD, "[1]", bad_rows="drop")
    assert len(found.train) == 20
    [finding] = [each for each in found.findings if each.count]
    assert (finding.severity, finding.count, finding.share) == ("warning", 2, 2 / 22)
    assert [place.rpartition(":")[2] for place in finding.places] == ["1", "22"]
    rows = kept(tmp_path)
    assert [(row["line"], row["raw"]) for row in rows] == [(1, BROKEN), (22, "[1]")]
    assert all(row["reason"] and row["file"].endswith("rows.jsonl") for row in rows)


def test_rows_that_the_template_refuses_are_bad_too(tmp_path: Path, tokenizer: Make) -> None:
    picky = (
        "{% for m in messages %}{% if m.content == 'no' %}{{ raise_exception('no!') }}{% endif %}"
        "{{ m.content }}{% endfor %}"
    )
    turns = [{"role": "user", "content": "a"}]
    answers = [{"role": "assistant", "content": text} for text in ("yes", "no", "fine", "well")]
    rows = [json.dumps({"messages": [*turns, answer]}) for answer in answers]
    recipe = Recipe(model="m", data=write(tmp_path, *rows), bad_rows="drop")
    found = prepare(recipe, tokenizer(chat_template=picky), rejects=tmp_path / "rejects.jsonl")
    assert len(found.train) == 3
    assert [row["line"] for row in kept(tmp_path)] == [2]
    assert '"no"' in kept(tmp_path)[0]["raw"]


@pytest.mark.parametrize("lines", [[BROKEN] * 40, [*GOOD, *["[1]"] * 11], [GOOD[0], BROKEN]])
def test_more_than_a_third_is_no_accident_and_stops_all_the_same(
    tmp_path: Path, tokenizer: Make, lines: list[str]
) -> None:
    with pytest.raises(Refusal) as caught:
        done(tmp_path, tokenizer, *lines, bad_rows="drop")
    assert "bad" in caught.value.what
    assert caught.value.why
    with pytest.raises(Refusal) as stopped:
        done(tmp_path, tokenizer, *lines)
    assert stopped.value.patch is None


def test_a_run_without_bad_rows_leaves_no_file(tmp_path: Path, tokenizer: Make) -> None:
    (tmp_path / "rejects.jsonl").write_text("of an earlier start")
    assert len(done(tmp_path, tokenizer, *GOOD, bad_rows="drop").train) == 20
    assert not (tmp_path / "rejects.jsonl").exists()


def test_a_long_row_is_kept_in_part(tmp_path: Path, tokenizer: Make) -> None:
    done(tmp_path, tokenizer, *GOOD, '{"prompt": "' + "é" * 30_000, bad_rows="drop")
    [row] = kept(tmp_path)
    assert row["cut"]
    assert len(row["raw"]) == 10_000
