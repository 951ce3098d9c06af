"""From files to ids and masks: only answers are learnt, nothing is lost without a word."""

from __future__ import annotations

import json
import subprocess
import sys
from array import array
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import Dataset, ModelTokenizer, Prepared, Refusal, prepare
from engine.data.dataset import Rows
from engine.data.shapes import Chat
from engine.data.split import split
from engine.data.template import ChatTemplate
from engine.recipe.recipe import Recipe
from tests.engine.data.conftest import CHATML

Make = Callable[..., ModelTokenizer]


def prepared(tokenizer: ModelTokenizer, path: Path, rows: list[Any] | str, **changes: Any) -> Prepared:
    path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
    return prepare(Recipe(model="m", data=str(path), **{"eval_split": 0.0, **changes}), tokenizer)


def whole_and_learnt(tokenizer: ModelTokenizer, data: Dataset, row: int = 0) -> tuple[str, str]:
    ids, mask = data.row(row)
    assert len(ids) == len(mask)
    assert mask[0] == 0
    return tokenizer.decode(ids), tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m])


HELLO = {
    "text": {"text": "the fox"},
    "prompt_completion": {"prompt": "the fox", "completion": " says hello"},
    "alpaca": {"instruction": "Say", "input": "hello", "output": "hello world"},
    "sharegpt": {"conversations": [{"from": "human", "value": "Say"}, {"from": "gpt", "value": "hello"}]},
    "messages": {"messages": [{"role": "user", "content": "Say"}, {"role": "assistant", "content": "hello"}]},
    "question_answer": {"question": "Say", "answer": "hello"},
}
LEARNT = {
    "text": "the fox</s>",
    "prompt_completion": " says hello</s>",
    "alpaca": "hello world</s>",
    "sharegpt": "hello</s>",
    "messages": "hello</s>",
    "question_answer": "hello</s>",
}


@pytest.mark.parametrize("shape", list(HELLO))
def test_every_shape_is_recognised_and_only_its_answer_learnt(
    tokenizer: Make, tmp_path: Path, shape: str
) -> None:
    plain = tokenizer()
    for wanted in ("auto", shape):
        found = prepared(plain, tmp_path / "r.jsonl", [HELLO[shape]], data_format=wanted)
        assert found.shapes == [shape]
        assert found.form == ("verbatim" if shape in ("text", "prompt_completion") else "chat")
        whole, learnt = whole_and_learnt(plain, found.train)
        assert learnt == LEARNT[shape]
        assert whole.startswith("<s>")
        assert whole.count("<s>") == 1
        assert whole.endswith("</s>")


def test_unknown_columns_are_listed_with_what_is_accepted(tokenizer: Make, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        prepared(tokenizer(), tmp_path / "r.jsonl", [{"foo": 1, "bar": 2}])
    assert "foo, bar" in caught.value.why
    assert caught.value.where.endswith("r.jsonl:1")
    for shape in HELLO:
        assert shape in caught.value.do


def test_a_row_of_another_shape_is_named(tokenizer: Make, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        prepared(tokenizer(), tmp_path / "r.jsonl", [HELLO["question_answer"], {"question": "x"}])
    assert caught.value.where.endswith(":2")


def test_a_chat_template_marks_every_answer_and_its_end(tokenizer: Make, tmp_path: Path) -> None:
    chat = tokenizer(chat_template=CHATML, stops=[4])
    turns = [("system", "be"), ("user", "a"), ("assistant", "hello"), ("user", "b"), ("assistant", "world")]
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    found = prepared(chat, tmp_path / "r.jsonl", [row])
    whole, learnt = whole_and_learnt(chat, found.train)
    assert learnt == "hello<|im_end|>world<|im_end|>"
    assert whole.startswith("<|im_start|>system"), "a template says itself where <s> goes"
    assert not found.findings
    assert chat.decode(found.train.prompt(0)).endswith("<|im_start|>assistant\n")


def test_a_template_that_rewrites_earlier_turns_teaches_the_last(tokenizer: Make, tmp_path: Path) -> None:
    forgetful = (
        "{% for m in messages %}[{{ m.role }}]"
        "{% if m.role == 'assistant' and not loop.last %}{{ m.content[:1] }}"
        "{% else %}{{ m.content }}{% endif %}"
        "</s>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    chat = tokenizer(chat_template=forgetful)
    turns = [("user", "a"), ("assistant", "hello"), ("user", "b"), ("assistant", "world")]
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    assert whole_and_learnt(chat, prepared(chat, tmp_path / "r.jsonl", [row]).train)[1] == "world</s>"


def test_a_template_that_refuses_a_row_is_quoted_with_the_line(tokenizer: Make, tmp_path: Path) -> None:
    strict = "{{ raise_exception('no system turns') }}"
    with pytest.raises(Refusal, match="no system turns") as caught:
        prepared(tokenizer(chat_template=strict), tmp_path / "r.jsonl", [HELLO["messages"]])
    assert caught.value.where.endswith("r.jsonl:1")


def test_templates_run_in_a_sandbox_with_the_functions_they_know() -> None:
    chat = Chat([{"role": "user", "content": "<é>"}], [{"name": "f"}])
    template = ChatTemplate(
        "{{ strftime_now('%Y') }} {{ messages | tojson }} "
        "{% generation %}{{ tools[0].name }}{% endgeneration %}",
        {},
        date(2020, 1, 2),
    )
    assert template.render(chat) == '2020 [{"role": "user", "content": "<é>"}] f'
    for attack in ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ messages.append(1) }}"):
        with pytest.raises(Refusal):
            ChatTemplate(attack, {}).render(chat)


def test_answers_that_never_stop_are_found(tokenizer: Make, tmp_path: Path) -> None:
    chat = tokenizer(chat_template=CHATML)
    found = prepared(chat, tmp_path / "r.jsonl", [HELLO["messages"]] * 3)
    assert [finding.category for finding in found.findings] == ["never_stops_generating"]


def test_truncation_is_counted_and_rows_without_an_answer_dropped(tokenizer: Make, tmp_path: Path) -> None:
    plain = tokenizer()
    rows = [
        {"prompt": "a", "completion": "b"},
        {"prompt": "a" * 3, "completion": "b" * 20},
        {"prompt": "ab" * 40, "completion": "b"},
    ]
    found = prepared(plain, tmp_path / "r.jsonl", rows, max_length=10)
    assert len(found.train) == 2
    assert max(found.train.length(i) for i in range(2)) == 10
    [finding] = found.findings
    assert finding.category == "truncation"
    assert "2 of 3 rows" in finding.title
    uncut = prepared(plain, tmp_path / "r.jsonl", rows[1:2]).train
    lost = uncut.labels(0) - found.train.labels(1) + 2
    assert f"{lost} answer tokens" in finding.evidence[0]
    assert any("r.jsonl:3" in line for line in finding.evidence)
    with pytest.raises(Refusal, match="All 1 rows"):
        prepared(plain, tmp_path / "r.jsonl", rows[2:], max_length=10)


def test_empty_answers_are_left_out_aloud(tokenizer: Make, tmp_path: Path) -> None:
    rows = [HELLO["question_answer"], {"question": "a", "answer": " "}]
    found = prepared(tokenizer(), tmp_path / "r.jsonl", rows)
    assert len(found.train) == 1
    assert any("r.jsonl:2" in line for line in found.findings[0].evidence)
    with pytest.raises(Refusal, match="nothing to learn"):
        prepared(tokenizer(), tmp_path / "r.jsonl", rows[1:])
    with pytest.raises(Refusal, match="nothing to learn"):
        prepared(tokenizer(), tmp_path / "r.jsonl", [])


def test_half_a_character_is_named(tokenizer: Make, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="half of a character"):
        prepared(tokenizer(), tmp_path / "r.jsonl", '{"text": "\\ud83d"}\n')


def test_text_becomes_windows_that_lose_nothing(tokenizer: Make, tmp_path: Path) -> None:
    plain = tokenizer()
    text = "".join(f"line {i} the quick brown fox\n" for i in range(60))
    data = prepared(plain, tmp_path / "book.txt", text, max_length=16).train
    bodies = []
    for row in range(len(data)):
        ids, mask = data.row(row)
        assert ids[0] == plain.bos
        assert mask == b"\0" + b"\1" * (len(ids) - 1)
        assert len(ids) == 16 or row == len(data) - 1
        bodies += ids[1:]
    assert plain.decode(bodies) == text
    for row in (1, 17, len(data) - 1):
        line = int(data.source(row).rpartition(":")[2])
        begin = plain.decode(data.row(row)[0][1:])
        assert begin.split("\n")[0] in text.split("\n")[line - 1] + text.split("\n")[line]


def test_long_documents_are_cut_into_rows_and_not_truncated(tokenizer: Make, tmp_path: Path) -> None:
    plain = tokenizer()
    found = prepared(plain, tmp_path / "r.jsonl", [{"text": "the fox " * 50}], max_length=12)
    joined = [i for row in range(len(found.train)) for i in found.train.row(row)[0][1:]]
    assert plain.decode(joined) == "the fox " * 50 + "</s>"
    assert not found.findings


def test_evaluation_data_of_its_own_and_ignored_columns(tokenizer: Make, tmp_path: Path) -> None:
    other = tmp_path / "eval.jsonl"
    other.write_text(json.dumps(HELLO["text"]) + "\n")
    rows = [{**HELLO["text"], "id": i} for i in range(20)]
    found = prepared(tokenizer(), tmp_path / "r.jsonl", rows, eval_data=str(other), eval_split=0.5)
    assert (len(found.train), len(found.eval or [])) == (20, 1)
    assert "id" in found.findings[0].title


@given(count=st.integers(1, 60), share=st.floats(0, 0.5), seed=st.integers(0, 9))
def test_a_split_uses_every_row_once_and_leaves_one_to_learn(count: int, share: float, seed: int) -> None:
    rows = Rows()
    for line in range(count):
        rows.add([1, 2], b"\0\1", "f", line)
    train, held = split(Dataset(rows), share, seed)
    again = split(Dataset(rows), share, seed)[0]
    assert train.index == again.index
    assert sorted([*train.index, *(held.index if held else [])]) == list(range(count))
    assert len(train) >= 1
    assert (held is None) == (share == 0 or count < 10)


def test_rows_are_kept_compactly() -> None:
    rows = Rows()
    rows.add([1, 7, 8], b"\0\0\1", "f.jsonl", 3)
    rows.add([1, 9], b"\0\1", "g.jsonl", 1)
    data = Dataset(rows, [1, 0])
    assert data.row(0) == (array("I", [1, 9]), b"\0\1")
    assert (data.source(1), data.length(1), data.labels(1)) == ("f.jsonl:3", 3, 1)
    assert (data.tokens, data.label_tokens) == (5, 2)
    assert data.digest() != Dataset(rows).digest()


def test_the_tokenizer_needs_its_files(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"no tokenizer\.json"):
        ModelTokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Refusal, match="cannot be read"):
        ModelTokenizer(tmp_path)


def test_reading_data_imports_nothing_heavy() -> None:
    code = (
        "import sys, engine.data, engine.data.inspect, engine.data.read.rows;"
        "heavy = {'torch', 'numpy', 'transformers', 'datasets', 'peft', 'accelerate'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("file", "shape", "rows"),
    [
        ("llamafactory_demo/alpaca_en_demo.json", "alpaca", 999),
        ("llamafactory_demo/glaive_toolcall_en_demo.json", "sharegpt", 300),
        ("llamafactory_demo/v1_sft_demo.jsonl", "messages", 500),
        ("gsm8k/test.jsonl", "question_answer", 1319),
        ("banking77/test.csv", "classification", 3080),
        ("misc_small/dolly.json", "alpaca", 12),
    ],
)
def test_real_files_keep_every_row(file: str, shape: str, rows: int) -> None:
    shared = Path(__file__).resolve().parents[3].parent / "shared"
    if not shared.is_dir():
        pytest.skip("needs the folder `shared` with models and data beside the repository")
    tokenizer = ModelTokenizer(shared / "models" / "stories260K")
    recipe = Recipe(model="m", data=str(shared / "data" / file), max_length=100_000, eval_split=0)
    found = prepare(recipe, tokenizer)
    assert found.shapes == [shape]
    assert len(found.train) == rows
