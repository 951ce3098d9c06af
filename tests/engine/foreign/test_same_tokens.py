"""A recipe taken over gives the other trainer's ids and labels, row for row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from engine.data import ModelTokenizer, prepare
from engine.data.rules import rules_of
from engine.recipe import read
from openlora_tui.cli.main import main
from tests.engine.foreign import theirs
from tests.engine.foreign.theirs import Encoded, Template, Words

BELOW = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request."
)
CURIOUS = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
TEMPLATES = {
    "alpaca": Template(
        ["### Instruction:\n{content}\n\n### Response:\n"],
        ["{content}", {"eos"}, "\n\n"],
        default=f"{BELOW}\n\n",
    ),
    "default": Template(
        ["Human: {content}", {"eos"}, "\nAssistant:"], ["{content}", {"eos"}, "\n"], default=""
    ),
    "empty": Template(["{content}"], ["{content}"]),
    "llama2": Template(
        [{"bos"}, "[INST] {content} [/INST]"], system="<<SYS>>\n{content}\n<</SYS>>\n\n", fused=True
    ),
    "mistral": Template(
        ["[INST] {content}[/INST]"], [" {content}", {"eos"}], "{content}\n\n", [{"bos"}], fused=True
    ),
    "vicuna": Template(["USER: {content} ASSISTANT:"], default=CURIOUS),
    "xverse": Template(["Human: {content}\n\nAssistant: "]),
    "chatml": Template(
        ["<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"],
        ["{content}<|im_end|>\n"],
        "<|im_start|>system\n{content}<|im_end|>\n",
    ),
}
"""Some of LLaMA-Factory's, as its data/template.py registers them."""
SYSTEMS = {"default": "System: {content}</s>\n"}
ALPACA = [
    {"instruction": "Name a colour.", "input": "", "output": "Blue is one."},
    {"instruction": "Add the numbers.", "input": "1, 2 and 3", "output": "6\n\nThat is all."},
    {"instruction": "Translate: Привет", "input": "", "output": " it begins with a blank"},
    {"instruction": "List three things " * 4, "input": "", "output": "one, two, three\n" * 6},
]
TURNS = [
    [("Hello there", "General greetings"), ("And you?", "Well, thanks.\n"), ("Bye", "So long 🦊")],
    [("Only one question", "only one answer")],
    [("the quick brown fox " * 9, "short"), ("why?", "because " * 20)],
]


@pytest.fixture(params=["bytes", "stories260K", "aidreams260K"])
def folder(request: pytest.FixtureRequest, tokenizer_json: str, tmp_path: Path) -> Path:
    """Models with tokenizers of several kinds: byte-level, and SentencePiece's with `<s>` in front."""
    if request.param != "bytes":
        shared: Path = request.getfixturevalue("shared")
        return shared / "models" / request.param
    made = tmp_path / "model"
    made.mkdir()
    (made / "tokenizer.json").write_text(tokenizer_json)
    (made / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    (made / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return made


def words(folder: Path, eos: str = "</s>") -> Words:
    return Words(Tokenizer.from_file(str(folder / "tokenizer.json")), "<s>", eos)


def ours(recipe: Path, folder: Path) -> list[Encoded]:
    """Ids and labels that a recipe gives."""
    read_recipe = read(recipe).resolved()
    found = prepare(read_recipe, ModelTokenizer(folder, rules=rules_of(read_recipe))).train
    rows = []
    for at in range(len(found)):
        ids, mask = found.row(at)
        rows.append((list(ids), [i if m else -100 for i, m in zip(ids, mask, strict=True)]))
    return rows


def same(ours: list[Encoded], theirs: list[Encoded]) -> None:
    """Equal, the first label aside: nothing comes before it that it could be learnt from."""
    assert [ids for ids, _ in ours] == [ids for ids, _ in theirs]
    assert [labels[1:] for _, labels in ours] == [labels[1:] for _, labels in theirs]


def written(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows))


def turned(
    turns: list[tuple[str, str]], roles: tuple[str, str], keys: tuple[str, str]
) -> list[dict[str, str]]:
    said = [(role, text) for pair in turns for role, text in zip(roles, pair, strict=True)]
    return [{keys[0]: role, keys[1]: text} for role, text in said]


@pytest.mark.parametrize("kept", ["all", "some"])
def test_axolotl_alpaca(kept: str, folder: Path, tmp_path: Path) -> None:
    whole = [theirs.axolotl_alpaca(words(folder), row, 4096) for row in ALPACA]
    lengths = sorted(len(row[0]) for row in whole if row is not None)
    sequence_len = 4096 if kept == "all" else lengths[1]
    written(tmp_path / "rows.json", ALPACA)
    (tmp_path / "ax.yml").write_text(
        f"base_model: {folder}\ndatasets:\n  - path: rows.json\n    type: alpaca\nadapter: lora\n"
        f"sequence_len: {sequence_len}\nlearning_rate: 1e-4\nmicro_batch_size: 2\n"
    )
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "ax.yml")]) == 0
    found = [theirs.axolotl_alpaca(words(folder), row, sequence_len) for row in ALPACA]
    left = [row for row in found if row is not None]
    assert len(left) == (len(ALPACA) if kept == "all" else 2)
    same(ours(tmp_path / "r.yaml", folder), left)


def chatml(messages: list[dict[str, str]]) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def mistral(messages: list[dict[str, str]]) -> str:
    return "<s>" + "".join(
        f" {m['content']}</s>" if m["role"] == "assistant" else f"[INST] {m['content']}[/INST]"
        for m in messages
    )


@pytest.mark.parametrize("shape", ["messages", "conversations"])
@pytest.mark.parametrize(("name", "render"), [("chatml", chatml), ("mistral_v2v3", mistral)])
def test_axolotl_chat_template(
    name: str, render: Callable[..., str], shape: str, folder: Path, tmp_path: Path
) -> None:
    eos = "<|im_end|>" if name == "chatml" else "</s>"
    if words(folder, eos).eos is None:
        pytest.skip("this tokenizer has no such token")
    keys, roles = {"messages": (("role", "content"), ("user", "assistant")),
                   "conversations": (("from", "value"), ("human", "gpt"))}[shape]  # fmt: skip
    written(tmp_path / "rows.json", [{shape: turned(turns, roles, keys)} for turns in TURNS])
    told = "" if shape == "messages" else (
        "    field_messages: conversations\n    message_property_mappings: {role: from, content: value}\n"
    )  # fmt: skip
    (tmp_path / "ax.yml").write_text(
        f"base_model: {folder}\nchat_template: {name}\nsequence_len: 2048\nadapter: lora\n"
        f"datasets:\n  - path: rows.json\n    type: chat_template\n{told}"
    )
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "ax.yml")]) == 0
    expected = [
        theirs.axolotl_chat(
            words(folder, eos), turned(turns, ("user", "assistant"), ("role", "content")), render
        )
        for turns in TURNS
    ]
    found = ours(tmp_path / "r.yaml", folder)
    if name == "chatml":
        same(found, expected)
        return
    # Axolotl compares ids with those of another answer, and so leaves out a blank that both begin with.
    assert [ids for ids, _ in found] == [ids for ids, _ in expected]
    blank = {words(folder).tokenizer.token_to_id(token) for token in ("▁", "Ġ")}
    for (ids, our), (_, their) in zip(found, expected, strict=True):
        more = [(at, id) for at, id in enumerate(ids) if our[at] != their[at]]
        assert all(our[at] == id and id in blank and our[at - 1] == -100 for at, id in more)
        assert len(more) <= len(TURNS)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"cutoff_len": 64},
    {"cutoff_len": 40, "mask_history": True},
    {"mask_history": True},
    {"train_on_prompt": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", sorted(TEMPLATES))
@pytest.mark.parametrize("shape", ["alpaca", "sharegpt", "messages"])
def test_llamafactory(shape: str, name: str, options: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    template = TEMPLATES[name]
    if name == "chatml" and words(folder, "<|im_end|>").eos is None:
        pytest.skip("this tokenizer has no such token")
    template.system = SYSTEMS.get(name, template.system)
    info: dict[str, Any] = {"file_name": "rows.json"}
    if shape == "alpaca":
        rows: list[dict[str, Any]] = list(ALPACA)
        talks = [theirs.llamafactory_alpaca(row) for row in ALPACA]
    else:
        keys, roles = {"messages": (("role", "content"), ("user", "assistant")),
                       "sharegpt": (("from", "value"), ("human", "gpt"))}[shape]  # fmt: skip
        column = "messages" if shape == "messages" else "conversations"
        rows = [{column: turned(turns, roles, keys)} for turns in TURNS]
        rows.append({column: [{keys[0]: "system", keys[1]: "Be brief."}, *turned(TURNS[1], roles, keys)]})
        talks = [*((turns, "") for turns in TURNS), (TURNS[1], "Be brief.")]
        info |= {"formatting": "sharegpt", "columns": {"messages": column}}
        if shape == "messages":
            tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user"}
            info |= {"tags": {**tags, "assistant_tag": "assistant", "system_tag": "system"}}
    written(tmp_path / "rows.json", rows)
    (tmp_path / "dataset_info.json").write_text(json.dumps({"mine": info}))
    config = {"model_name_or_path": str(folder), "dataset": "mine", "dataset_dir": ".", "template": name}
    (tmp_path / "lf.json").write_text(json.dumps(config | options))
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "lf.json")]) == 0
    made = {"cutoff_len": 2048, **options}
    expected = [
        theirs.llamafactory(template, words(folder), turns, system, **made) for turns, system in talks
    ]
    same(
        ours(tmp_path / "r.yaml", folder),
        [row for row in expected if any(label != -100 for label in row[1][1:])],
    )


def test_llamafactory_columns_of_other_names(folder: Path, tmp_path: Path) -> None:
    names = {"instruction": "q", "input": "more", "output": "a"}
    written(tmp_path / "rows.json", [{names[k]: v for k, v in row.items()} | {"id": 1} for row in ALPACA])
    columns = {"prompt": "q", "query": "more", "response": "a"}
    info = {"mine": {"file_name": "rows.json", "columns": columns}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    (tmp_path / "lf.yaml").write_text(
        f"model_name_or_path: {folder}\ndataset: mine\ndataset_dir: .\ntemplate: alpaca\n"
    )
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "lf.yaml")]) == 0
    template = TEMPLATES["alpaca"]
    expected = [
        theirs.llamafactory(template, words(folder), *theirs.llamafactory_alpaca(row), 2048) for row in ALPACA
    ]
    same(ours(tmp_path / "r.yaml", folder), expected)


def test_axolotl_turns_of_other_names(tokenizer_json: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "tokenizer.json").write_text(tokenizer_json)
    (model / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "<|im_end|>"}))
    written(
        tmp_path / "rows.json",
        [{"dialog": turned(turns, ("customer", "agent"), ("speaker", "said"))} for turns in TURNS],
    )
    (tmp_path / "ax.yml").write_text(
        f"base_model: {model}\nchat_template: chatml\nsequence_len: 2048\nadapter: lora\ndatasets:\n"
        "  - path: rows.json\n    type: chat_template\n    field_messages: dialog\n"
        "    message_property_mappings: {role: speaker, content: said}\n"
        "    roles: {user: [customer], assistant: [agent]}\n"
    )
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "ax.yml")]) == 0
    expected = [
        theirs.axolotl_chat(
            words(model, "<|im_end|>"), turned(turns, ("user", "assistant"), ("role", "content")), chatml
        )
        for turns in TURNS
    ]
    same(ours(tmp_path / "r.yaml", model), expected)


def test_axolotl_prompts_of_ones_own(folder: Path, tmp_path: Path) -> None:
    rows = [{"q": row["instruction"], "a": row["output"]} for row in ALPACA]
    written(tmp_path / "rows.json", rows)
    (tmp_path / "ax.yml").write_text(
        f"base_model: {folder}\nsequence_len: 2048\nadapter: lora\n"
        "datasets:\n  - path: rows.json\n    type:\n"
        '      field_instruction: q\n      field_output: a\n      format: "Q: {instruction}\\nA:"\n'
    )
    assert main(["new", str(tmp_path / "r.yaml"), "--from", str(tmp_path / "ax.yml")]) == 0
    held = words(folder)
    expected = []
    for row in rows:
        prompt = held.encode(f"Q: {row['q']}\nA:", special=True)
        answer = [*held.encode(row["a"], special=False), held.eos]
        expected.append((prompt + answer, [-100] * len(prompt) + answer))
    same(ours(tmp_path / "r.yaml", folder), expected)
