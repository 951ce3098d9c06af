"""The recipe's chat_template: what it writes, what of it is learnt, and which tokenizers it goes with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import ModelTokenizer, Refusal, prepare
from engine.data.chosen import chosen
from engine.data.inspect import Inspection
from engine.data.prompt import prompt_ids
from engine.data.rules import Rules
from engine.data.shapes import Chat
from engine.recipe.recipe import Recipe
from engine.templates.registry import ALL, NAMES, source_of
from tests.engine.data.conftest import CHATML

Make = Callable[..., ModelTokenizer]
TURNS = [("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "So long")]
PUBLISHED = {
    "chatml": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nSo long<|im_end|>\n",
    "llama2": "<s>[INST] Hi [/INST] Hello </s><s>[INST] Bye [/INST] So long </s>",
    "llama3": "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nSo long<|eot_id|>",
    "mistral": "<s>[INST] Hi[/INST] Hello</s>[INST] Bye[/INST] So long</s>",
    "gemma": "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n"
    "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\nSo long<end_of_turn>\n",
    "phi-3": "<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n"
    "<|user|>\nBye<|end|>\n<|assistant|>\nSo long<|end|>\n</s>",
    "phi-4": "<|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant<|im_sep|>Hello<|im_end|>"
    "<|im_start|>user<|im_sep|>Bye<|im_end|><|im_start|>assistant<|im_sep|>So long<|im_end|>",
    "zephyr": "<|user|>\nHi</s>\n<|assistant|>\nHello</s>\n<|user|>\nBye</s>\n<|assistant|>\nSo long</s>\n",
    "vicuna": "<s>A chat between a curious user and an artificial intelligence assistant. The assistant "
    "gives helpful, detailed, and polite answers to the user's questions. "
    "USER: Hi ASSISTANT: Hello</s>USER: Bye ASSISTANT: So long</s>",
    "alpaca": "<s>Below is an instruction that describes a task. Write a response that appropriately "
    "completes the request.\n\n### Instruction:\nHi\n\n### Response:\nHello</s>\n\n"
    "### Instruction:\nBye\n\n### Response:\nSo long</s>",
    "qwen": "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nSo long<|im_end|>\n",
}
"""What the makers' own templates and papers write for four turns, their tokens being <s> and </s>."""


def messages(turns: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in turns]


def learnt(
    tokenizer: ModelTokenizer, folder: Path, rows: list[dict[str, Any]], **options: Any
) -> list[tuple[str, str]]:
    """The text of each row that is learnt from, and what of it is learnt."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = prepare(Recipe(model="m", data=str(path), eval_split=0, **options), tokenizer).train
    pairs = [found.row(at) for at in range(len(found))]
    return [
        (tokenizer.decode(list(ids)), tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m]))
        for ids, mask in pairs
    ]


def chose(tokenizer: Make, **rules: Any) -> ModelTokenizer:
    return ModelTokenizer(tokenizer().folder, rules=Rules(**rules))


def test_there_is_a_published_text_for_each_name() -> None:
    assert set(PUBLISHED) == set(NAMES)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_named_template_writes_what_its_makers_publish(name: str) -> None:
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    template = chosen(name, tokens, "<s>", lambda token: 7, None).template
    chat = Chat(messages(TURNS))
    assert template.render(chat) == PUBLISHED[name]
    asked = Chat(messages(TURNS[:1]))
    head, answer = template.render(asked, prompt=True), PUBLISHED[name]
    assert answer.startswith(head), "what chat asks is how training began"
    assert answer[len(head) :].lstrip().startswith("Hello")


@pytest.mark.parametrize("name", ALL)
def test_every_template_shows_where_its_answers_are(name: str) -> None:
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    found = chosen(name, tokens, "<s>", lambda token: 7, None)
    from engine.data.template import answers

    text, spans = answers(found.template, Chat(messages(TURNS)))
    said = [text[start:end] for start, end in spans]
    assert len(said) == 2
    assert "Hello" in said[0]
    assert "So long" in said[1]
    assert "Bye" not in said[0]


def test_its_stop_token_ends_answers_and_generation(tokenizer: Make, tmp_path: Path) -> None:
    own, chatml = tokenizer(), chose(tokenizer, chat_template="chatml")
    [(whole, answers)] = learnt(chatml, tmp_path, [{"messages": messages(TURNS)}])
    assert whole == PUBLISHED["chatml"]
    assert answers == "Hello<|im_end|>So long<|im_end|>"
    assert chatml.stops - own.stops == {own.encode("<|im_end|>")[0]}
    inspection = Inspection([tmp_path / "rows.jsonl"], chatml)
    list(inspection.steps())
    assert inspection.report().losses.endless == 0
    assert inspection.report().template == "chat template chatml"


def test_a_stop_token_that_would_be_split_is_a_blocker(tokenizer: Make, tmp_path: Path) -> None:
    llama3 = chose(tokenizer, chat_template="llama3")
    with pytest.raises(Refusal, match=r"<\|eot_id\|>, which is no token") as caught:
        learnt(llama3, tmp_path, [{"messages": messages(TURNS)}])
    assert caught.value.where.endswith("rows.jsonl:1")
    inspection = Inspection([tmp_path / "rows.jsonl"], llama3)
    list(inspection.steps())
    assert any(
        finding.severity == "blocker" and "<|eot_id|>" in finding.title
        for finding in inspection.report().findings(1024)
    )


def test_text_is_learnt_whatever_the_template_lacks(tokenizer: Make, tmp_path: Path) -> None:
    assert learnt(chose(tokenizer, chat_template="llama3"), tmp_path, [{"text": "a story"}])


def test_a_template_that_needs_a_token_nobody_has_says_which() -> None:
    found = chosen("zephyr", {}, "", lambda token: None, None)
    assert found.fault is not None
    assert "needs eos_token" in found.fault.what


def test_a_jinja_file_is_a_template(tokenizer: Make, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text(CHATML.replace("assistant", "answerer"))
    mine = chose(tokenizer, chat_template=str(file))
    asked = prompt_ids(Chat(messages(TURNS[:1])), mine)
    assert mine.decode(asked) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>answerer\n"
    assert mine.encode("<|im_end|>")[0] in mine.stops


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("chatlm", "no chat template 'chatlm'"),
        ("./none.jinja", "cannot be read"),
        ("{folder}/broken.jinja", "is broken"),
        ("{folder}/binary.jinja", "cannot be read"),
    ],
)
def test_what_is_no_template_is_refused_in_a_word(
    name: str, word: str, tokenizer: Make, tmp_path: Path
) -> None:
    (tmp_path / "broken.jinja").write_text("{% for message in %}")
    (tmp_path / "binary.jinja").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refusal, match=word):
        chose(tokenizer, chat_template=name.format(folder=tmp_path))


def test_a_chosen_template_runs_in_the_sandbox(tokenizer: Make, tmp_path: Path) -> None:
    (tmp_path / "evil.jinja").write_text("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    evil = chose(tokenizer, chat_template=str(tmp_path / "evil.jinja"))
    with pytest.raises(Refusal, match="unsafe"):
        learnt(evil, tmp_path, [{"messages": messages(TURNS)}])


def test_an_alpaca_row_keeps_its_input_apart_where_a_template_asks_for_it(
    tokenizer: Make, tmp_path: Path
) -> None:
    row = {"instruction": "Add.", "input": "1 and 2", "output": "3"}
    [(whole, answer)] = learnt(chose(tokenizer, chat_template="alpaca"), tmp_path, [row])
    assert "paired with an input" in whole
    assert "### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n3</s>" in whole
    assert answer == "3</s>"
    [(whole, _)] = learnt(tokenizer(chat_template=CHATML), tmp_path, [row])
    assert "Add.\n\n1 and 2<|im_end|>" in whole


@pytest.mark.parametrize(
    ("train_on", "expected"),
    [
        ("answers", "Hello<|im_end|>So long<|im_end|>"),
        ("last_answer", "So long<|im_end|>"),
        ("all", PUBLISHED["chatml"].removeprefix("<|im_start|>")),
    ],
)
def test_train_on_says_what_is_learnt(train_on: str, expected: str, tokenizer: Make, tmp_path: Path) -> None:
    rules = chose(tokenizer, chat_template="chatml", train_on=train_on)
    [(_, answers)] = learnt(rules, tmp_path, [{"messages": messages(TURNS)}])
    assert answers == expected


def test_turns_apart_share_no_token_and_chat_asks_as_training_did(tokenizer: Make, tmp_path: Path) -> None:
    (tmp_path / "bare.jinja").write_text(
        "{% for m in messages %}{{ m.content }}"
        "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    )
    turns = [("user", "the qui"), ("assistant", "ck brown"), ("user", "the fo"), ("assistant", "x says")]
    row = [{"messages": messages(turns)}]
    rules = {"chat_template": str(tmp_path / "bare.jinja")}
    apart = chose(tokenizer, **rules, tokenize_turns="apart")
    together = chose(tokenizer, **rules)
    assert learnt(apart, tmp_path, row) == [("the quick brown</s>the fox says</s>", "ck brown</s>x says</s>")]
    assert learnt(together, tmp_path, row) != learnt(apart, tmp_path, row), "a token crosses the border"
    ids = [apart.encode(text) for _, text in turns]
    asked = prompt_ids(Chat(messages(turns[:3])), apart)
    assert asked == [*ids[0], *ids[1], *apart.encode("</s>"), *ids[2]]


def test_rows_that_are_too_long_are_cut_dropped_or_balanced(tokenizer: Make, tmp_path: Path) -> None:
    rows = [{"prompt": "ask " * 30, "completion": "say " * 10}, {"prompt": "a", "completion": "b"}]
    told = {}
    for way in ("cut", "drop", "balance"):
        rules = chose(tokenizer, truncation=way)
        told[way] = learnt(rules, tmp_path, rows, max_length=64)
        inspection = Inspection([tmp_path / "rows.jsonl"], rules, max_length=64)
        list(inspection.steps())
        report = inspection.report()
        assert len(report.losses.dropped) == (way == "drop")
        assert report.losses.truncated_rows == (way != "drop")
        assert any(finding.category == "truncation" for finding in report.findings(64))
        assert not any(finding.category == "truncation" for finding in report.findings(512))
        shown = inspection.show(0, 64)
        assert any(piece.part == 1 for piece in shown.pieces)
    assert told["drop"] == [("<s>ab</s>", "b</s>")]
    assert [len(told[way]) for way in told] == [1, 1, 2], "cutting leaves no answer here, balancing does"
    whole, answer = told["balance"][0]
    assert answer.endswith("say say </s>")
    assert whole.startswith("<s>ask ask")


def test_where_every_row_is_dropped_the_reason_is_told(tokenizer: Make, tmp_path: Path) -> None:
    rows = [{"prompt": "ask " * 30, "completion": answer} for answer in ("say", "tell")]
    with pytest.raises(Refusal, match="All 2 rows are longer than 8 tokens"):
        learnt(chose(tokenizer, truncation="drop"), tmp_path, rows, max_length=8)


def test_the_files_of_named_templates_are_short_and_there() -> None:
    assert all(0 < len(source_of(name) or "") < 4000 for name in ALL)
    assert source_of("nothing") is None


@pytest.mark.parametrize(
    ("name", "word"),
    [("chatlm", "Did you mean chatml"), ("./none.jinja", "no file"), ("quite-another", "Name a Jinja file")],
)
def test_a_recipe_with_an_unknown_template_is_refused_before_it_runs(
    name: str, word: str, tmp_path: Path
) -> None:
    from engine.recipe import missing_paths, parse

    (tmp_path / "rows.jsonl").write_text("{}\n")
    recipe = parse(f"model: a/b\ndata: rows.jsonl\nchat_template: {name}\n", tmp_path / "r.yaml")
    found = dict(missing_paths(recipe))
    assert word in found["chat_template"].what + found["chat_template"].do


def test_a_template_beside_the_recipe_is_found_from_anywhere(tmp_path: Path) -> None:
    from engine.recipe import missing_paths, parse

    (tmp_path / "mine.jinja").write_text(CHATML)
    (tmp_path / "rows.jsonl").write_text("{}\n")
    recipe = parse("model: a/b\ndata: rows.jsonl\nchat_template: mine.jinja\n", tmp_path / "r.yaml")
    assert recipe.resolved().chat_template == str(tmp_path / "mine.jinja")
    assert "chat_template" not in dict(missing_paths(recipe))


def test_a_check_before_the_run_judges_with_the_chosen_template(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from openlora_tui.cli.main import main

    rows = [
        {"messages": messages([("user", f"{at} and one?"), ("assistant", f"{at + 1}")])} for at in range(40)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = shared / "models/stories260K"
    (tmp_path / "r.yaml").write_text(f"model: {model}\ndata: rows.jsonl\nmax_length: 256\n")
    said = {}
    for name in ("llama3", "mistral"):
        main(["check", str(tmp_path / "r.yaml"), "--set", f"chat_template={name}", "--json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        said[name] = [f["title"] for f in findings if f["severity"] == "blocker"]
    assert any("<|eot_id|>" in title for title in said["llama3"])
    assert not any("token of this tokenizer" in title for title in said["mistral"])
