"""Every shape is recognised by its columns and keeps its texts; no row crashes one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.checks.seen import seen
from engine.data.examples import Examples
from engine.data.inspect import Inspection
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import SHAPES, Chat, Example, Pair, example_of, fitting, is_learnt
from engine.data.template import ChatTemplate, answers
from engine.inspection.report import Report
from engine.mapping.check import mapping_of

ASK, SAY = {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}
HUMAN, GPT = {"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}
ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("alpaca", {"instruction": "Q", "input": "", "output": "A"}, "Q", "A"),
    ("alpaca", {"instruction": "Q", "context": "C", "response": "A", "category": "x"}, "Q\n\nC", "A"),
    ("sharegpt", {"conversations": [HUMAN, GPT]}, "Q", "A"),
    ("messages", {"messages": [ASK, SAY]}, "Q", "A"),
    ("messages", {"messages": json.dumps([ASK, SAY])}, "Q", "A"),
    ("messages", {"conversation": [{"role": "developer", "content": "D"}, ASK, SAY]}, "D\nQ", "A"),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, SAY]}, "Q", "A"),
    ("prompt_completion", {"prompt": "Q", "completion": "A"}, "Q", "A"),
    ("prompt_completion", {"prompt": "Q", "completion": "A", "label": "good"}, "Q", "A"),
    ("question_answer", {"question": "Q", "answer": "A", "system": "S"}, "S\nQ", "A"),
    ("question_answer", {"question": "Q", "context": "C", "answers": {"text": ["A", "B"]}}, "C\n\nQ", "A"),
    ("question_answer", {"question": "Q", "answers": [{"text": "A", "answer_start": 1}]}, "Q", "A"),
    ("question_answer", {"question": "Q", "answers": ["A", "B"]}, "Q", "A"),
    ("text", {"text": "A", "source": "wiki"}, "", "A"),
    ("text", {"text": "A", "label": "a sentence\nof two lines"}, "", "A"),
    ("classification", {"text": "Q", "label": "A"}, "Q", "A"),
    ("classification", {"text": "Q", "label": 3}, "Q", "3"),
    ("classification", {"text": "Q", "label": 3, "label_text": "A"}, "Q", "A"),
    ("classification", {"text": "Q", "labels": ["A", "B"]}, "Q", "A, B"),
    ("preference", {"prompt": "Q", "chosen": "A", "rejected": "B"}, "Q", "A"),
    ("preference", {"conversations": [HUMAN], "chosen": GPT, "rejected": GPT}, "Q", "A"),
    ("preference", {"prompt": [ASK], "chosen": [SAY], "rejected": [SAY]}, "Q", "A"),
    ("preference", {"prompt": "Q", "chosen": [ASK, SAY], "rejected": [ASK, SAY]}, "Q", "A"),
    ("preference", {"chosen": "\n\nHuman: Q\n\nAssistant: A", "rejected": "B"}, "Q", "A"),
    ("preference", {"chosen": "It is A", "rejected": "It is B"}, "It is ", "A"),
    ("kto", {"prompt": "Q", "completion": "A", "label": True}, "Q", "A"),
    ("kto", {"prompt": "Q", "completion": "A", "label": "true"}, "Q", "A"),
    ("kto", {"messages": [ASK, SAY], "label": True}, "Q", "A"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "values", "asked", "learnt"), ROWS)
def test_a_row_is_recognised_and_its_sides_are_told_apart(
    shape: str, values: dict[str, Any], asked: str, learnt: str
) -> None:
    row = Row("f", 1, values)
    assert fitting(values)[0] == shape
    example = example_of(row, fitting(values)[0])
    assert example is not None
    found = seen(row, example)
    assert (found.prompt, found.answer) == (asked, learnt)


@pytest.mark.parametrize("values", [{}, {"foo": 1}, {"messages": "hi"}, {"turns": [1]}, {"chosen": "a"}])
def test_what_fits_no_shape_fits_none(values: dict[str, Any]) -> None:
    assert fitting(values) == []


TEXTS = st.text(max_size=12)
LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "text", "type"]) | TEXTS, inner
        )
    ),
    max_leaves=8,
)
COLUMNS = sorted({column for _, values, _, _ in ROWS for column in values} | {"tools", "history", "system"})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), LOOSE, max_size=5), st.sampled_from(sorted(SHAPES)))
def test_no_row_crashes_a_shape(values: dict[str, Any], shape: Any) -> None:
    try:
        example = example_of(Row("f", 1, values), shape)
    except Refusal:
        return
    if isinstance(example, Chat):
        assert any(map(is_learnt, example.messages))
        assert all(isinstance(turn["content"], str) for turn in example.messages)


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(question=WORDS, answer=WORDS, extra=WORDS)
def test_a_shape_keeps_every_text(question: str, answer: str, extra: str) -> None:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    rows: dict[str, dict[str, Any]] = {
        "alpaca": {"instruction": question, "input": extra, "output": answer},
        "sharegpt": {"conversations": turns, "system": extra},
        "question_answer": {"question": question, "context": extra, "answer": answer},
        "prompt_completion": {"prompt": question + extra, "completion": answer},
        "classification": {"text": question + extra, "label": answer},
        "preference": {"prompt": question, "system": extra, "chosen": answer, "rejected": "no"},
        "kto": {"prompt": question + extra, "completion": answer, "label": True},
    }
    for shape, values in rows.items():
        row = Row("f", 1, values)
        found = seen(row, example_of(row, shape) or Pair("", ""))  # type: ignore[arg-type]
        assert found.answer == answer
        assert question in found.prompt
        assert extra in found.prompt


# --- tools ---

CALL = {"name": "look", "arguments": {"for": "rain"}}


@pytest.mark.parametrize(
    "turn",
    [
        {"from": "function_call", "value": json.dumps(CALL)},
        {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": CALL}]},
        {"role": "assistant", "content": None, "function_call": CALL | {"arguments": '{"for": "rain"}'}},
    ],
)
def test_calls_of_tools_are_learnt_however_they_are_written(turn: dict[str, Any]) -> None:
    row = Row(
        "f", 1, {"conversations": [HUMAN, turn], "tools": json.dumps([{"name": "look", "parameters": {}}])}
    )
    example = example_of(row, "sharegpt")
    assert isinstance(example, Chat)
    assert example.messages[1]["tool_calls"] == [{"type": "function", "function": CALL}]
    assert example.tools == [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    knows = "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls }}{% endfor %}"
    for source in (knows, knows.replace("{{ m.tool_calls }}", "")):
        text, spans = answers(ChatTemplate(source, {}), example)
        assert [text[start:end] for start, end in spans] == [text[text.index("assistant:") :]]
        assert "rain" in text, "a template that knows no calls writes them as text"


def test_a_template_without_developers_calls_them_system() -> None:
    chat = Chat([{"role": "developer", "content": "be"}, ASK, SAY])
    said = "{% if m.role == 'system' %}[{{ m.content }}]{% endif %}{{ m.role }} "
    spoken = "{% for m in messages %}" + said + "{% endfor %}"
    assert ChatTemplate(spoken, {}).render(chat) == "[be]system user assistant "
    assert ChatTemplate(spoken + "{# developer #}", {}).render(chat) == "developer user assistant "


def test_turns_of_weight_0_are_not_learnt() -> None:
    turns = [ASK, SAY | {"weight": 0}, ASK, {"role": "assistant", "content": "B", "loss_weight": 1.0}]
    example = example_of(Row("f", 1, {"messages": turns}), "messages")
    assert isinstance(example, Chat)
    text, spans = answers(ChatTemplate("{% for m in messages %}<{{ m.content }}>{% endfor %}", {}), example)
    assert [text[start:end] for start, end in spans] == ["<B>"]


# --- whole files ---


def looked_at(path: Path, rows: list[dict[str, Any]], data_format: str = "auto") -> Report:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([path], data_format=data_format)
    list(inspection.steps())
    return inspection.report()


def test_the_first_row_alone_does_not_decide_and_odd_rows_are_told_with_their_shape(tmp_path: Path) -> None:
    odd = [{"messages": [ASK, SAY]}] * 2
    report = looked_at(tmp_path / "r.jsonl", [*odd, *[{"instruction": "Q", "output": "A"}] * 9, {"foo": 1}])
    document = report.document(1024)
    assert document["format"] == "alpaca"
    assert document["shapes"] == {"messages": 2, "alpaca": 9, "none": 1}
    assert (document["rows"], document["examples"], document["rejected_rows"]) == (12, 9, 3)
    assert any("The row is messages, and the file is read as alpaca" in f.title for f in document["findings"])


@pytest.mark.parametrize(
    ("rows", "shape", "learnt", "offered"),
    [
        ([{"prompt": "Q", "chosen": "A", "rejected": "B"}] * 3, "preference", 3, {"objective": "dpo"}),
        (
            [{"prompt": "Q", "completion": "A", "label": k % 2 == 0} for k in range(4)],
            "kto",
            2,
            {"data_format": "kto"},
        ),
    ],
)
def test_preferences_are_learnt_by_an_explicit_choice_only(
    tmp_path: Path, rows: list[dict[str, Any]], shape: str, learnt: int, offered: dict[str, str]
) -> None:
    path = tmp_path / "r.jsonl"
    report = looked_at(path, rows)
    assert (report.format, report.rows, report.examples) == (shape, len(rows), 0)
    blocker = report.findings(64)[0]
    assert blocker.severity == "blocker"
    assert blocker.patch is not None
    assert blocker.patch.recipe == offered
    chosen = looked_at(path, rows, shape)
    assert chosen.examples == learnt
    assert [f.severity for f in chosen.findings(64) if f.category == "dataset_format"] == ["note"]


def test_columns_of_no_shape_are_refused_with_a_mapping_to_paste(tmp_path: Path) -> None:
    rows = [{"frage": f"Was ist die Zahl {i}?", "antwort": f"Das ist die {i}."} for i in range(20)]
    report = looked_at(tmp_path / "r.jsonl", rows)
    blocker = report.findings(64)[0]
    assert blocker.patch is not None
    assert blocker.patch.recipe == {"mapping": {"question": "{frage}", "answer": "{antwort}"}}
    assert 'mapping: {"question":"{frage}","answer":"{antwort}"}' in blocker.remedy


def test_classes_that_are_numbers_are_told_until_they_have_names(tmp_path: Path) -> None:
    rows = [{"text": f"Q{k}", "label": k % 2} for k in range(8)]
    said = [finding.title for finding in looked_at(tmp_path / "r.jsonl", rows).findings(64)]
    assert any(title.startswith("The labels are numbers") for title in said)
    named = Inspection([tmp_path / "r.jsonl"], mapping=mapping_of({"labels": ["bad", "good"]}))
    list(named.steps())
    assert not any(f.title.startswith("The labels are numbers") for f in named.report().findings(64))


def test_texts_that_are_turns_are_told_so(tmp_path: Path) -> None:
    rows = [
        {
            "thread": f"t{k // 4}",
            "ts": k,
            "role": ["user", "bot"][k % 2],
            "text": f"some words about {k} here",
        }
        for k in range(40)
    ]
    report = looked_at(tmp_path / "r.jsonl", rows)
    [finding] = [f for f in report.findings(64) if f.severity == "warning" and f.patch]
    assert finding.patch is not None
    assert finding.patch.recipe["mapping"]["group_by"] == "thread"


REAL = [
    ("llamafactory_demo/alpaca_en_demo.json", "alpaca", 999),
    ("llamafactory_demo/alpaca_zh_demo.json", "alpaca", 1000),
    ("llamafactory_demo/dpo_en_demo.json", "preference", 299),
    ("llamafactory_demo/glaive_toolcall_en_demo.json", "sharegpt", 300),
    ("llamafactory_demo/identity.json", "alpaca", 91),
    ("llamafactory_demo/v1_sft_demo.jsonl", "messages", 500),
    ("gsm8k/train.jsonl", "question_answer", 7473),
    ("banking77/train.csv", "classification", 10003),
    ("misc_small/dolly.json", "alpaca", 12),
    ("self_instruct_seed/seed_tasks.jsonl", None, 175),
    ("user_oriented_instructions/user_oriented_instructions.jsonl", None, 252),
]


@pytest.mark.parametrize(("name", "shape", "rows"), REAL)
def test_every_real_file_has_a_shape_or_a_mapping_that_reads_all_its_rows(
    shared: Path, name: str, shape: str | None, rows: int
) -> None:
    inspection = Inspection([shared / "data" / name])
    head = inspection.head(0)
    assert fitting(head[0].values)[:1] == ([shape] if shape else [])
    read = Examples(shape or "auto", mapping_for(inspection) if shape is None else None)
    made: list[Example | Refusal | None] = [example for _, example in read.all(iter(rows_in(inspection)))]
    assert len(made) == rows
    assert not any(isinstance(example, Refusal) or example is None for example in made)


def mapping_for(inspection: Inspection) -> Any:
    from engine.data.mapping.preview import proposed

    return proposed(inspection.head(0)).mapping


def rows_in(inspection: Inspection) -> list[Row]:
    from engine.data.read.rows import rows_of

    return list(rows_of(inspection.indices[0].source))
