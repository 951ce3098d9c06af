"""Another trainer's file: every key is accounted for, defaults are written out, bad files are told."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.problem import Problem
from engine.recipe import parse, read, template
from engine.recipe.foreign import axolotl_keys, llamafactory_keys
from engine.recipe.foreign.axolotl import from_axolotl
from engine.recipe.foreign.llamafactory import from_llamafactory
from engine.recipe.foreign.take_over import translation
from engine.recipe.foreign.translation import Line
from openlora_tui.cli.main import main

AXOLOTL = """\
base_model: ./model
load_in_8bit: false
adapter: qlora
load_in_4bit: true
datasets:
  - path: rows.jsonl
    type: chat_template
    field_messages: dialog
    message_property_mappings: {role: speaker, content: said}
    roles: {user: [customer], assistant: [agent]}
chat_template: llama3
val_set_size: 0.1
sequence_len: 4096
sample_packing: true
lora_r: 32
lora_alpha: 16
lora_target_linear: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 4
optimizer: adamw_bnb_8bit
learning_rate: 2e-4
bf16: auto
wandb_project:
max_steps: 200
warmup_steps: 10
sequence_lenght: 1
"""
FACTORY = """\
model_name_or_path: ./model
stage: sft
finetuning_type: lora
lora_target: q_proj,v_proj
dataset: mine, theirs
template: qwen
cutoff_len: 1024
packing: true
learning_rate: 1.0e-4
hub_token: hf_abcdefghijklmnopqrstuvwxyz
plot_loss: true
pure_bf16: true
"""
INFO = {
    "mine": {"file_name": "rows.json", "columns": {"prompt": "q", "response": "a", "system": "s"}},
    "theirs": {"file_name": "more.json", "columns": {"prompt": "q", "response": "a", "system": "s"}},
    "ranked": {"file_name": "pairs.json", "ranking": True},
    "hub": {"hf_hub_url": "someone/rows", "subset": "en"},
}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "model").mkdir(parents=True)
    (folder / "ax.yml").write_text(AXOLOTL)
    (folder / "lf.yaml").write_text(FACTORY)
    (folder / "dataset_info.json").write_text(json.dumps(INFO))
    (folder / "rows.jsonl").write_text("{}\n")
    monkeypatch.chdir(folder)
    return folder


def lines(path: Path) -> dict[str, Line]:
    found = translation(path)
    assert found is not None
    return {line.key: line for line in found.lines}


def test_every_key_of_an_axolotl_file_is_accounted_for(work: Path) -> None:
    found = lines(work / "ax.yml")
    keys = {line.partition(":")[0] for line in AXOLOTL.splitlines() if not line.startswith((" ", "#"))}
    assert keys <= set(found)
    assert found["learning_rate"].outcome == "same"
    assert (found["sequence_len"].outcome, found["sequence_len"].field) == ("translated", "max_length")
    assert (found["load_in_4bit"].field, found["load_in_4bit"].becomes) == ("load_in_4bit", "true")
    assert (found["optimizer"].field, found["optimizer"].becomes) == ("optim", "adamw_8bit")
    assert "micro_batch_size counted packs" in found["sample_packing"].consequence
    assert "Is sequence_len meant?" in found["sequence_lenght"].consequence
    assert all(line.consequence for line in found.values() if line.outcome == "ignored")


def test_an_axolotl_file_becomes_a_recipe_with_its_defaults(work: Path) -> None:
    found = translation(work / "ax.yml")
    assert found is not None
    said = found.values
    expected: dict[str, Any] = {
        "model": str(work / "model"),
        "data": str(work / "rows.jsonl"),
        "chat_template": "llama3",
        "tokenize_turns": "together",
        "truncation": "drop",
        "train_on": "answers",
        "target_modules": "all-linear",
        "per_device_train_batch_size": 2,
        "num_train_epochs": 4,
        "warmup_ratio": 0.05,
        "weight_decay": 0.0,
        "lora_dropout": 0.0,
        "mixed_precision": "auto",
        "seed": 42,
        "mapping": {
            "turns": "dialog",
            "role_column": "dialog.speaker",
            "content": "{dialog.said}",
            "roles": {"customer": "user", "agent": "assistant"},
        },
    }
    assert {name: said.get(name) for name in expected} == expected


def test_a_llamafactory_file_becomes_a_recipe_with_its_defaults(work: Path) -> None:
    found = translation(work / "lf.yaml")
    assert found is not None
    expected: dict[str, Any] = {
        "data": [str(work / "rows.json"), str(work / "more.json")],
        "chat_template": "llamafactory-qwen",
        "tokenize_turns": "apart",
        "truncation": "balance",
        "max_length": 1023,
        "lora_r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "v_proj"],
        "lr_scheduler_type": "linear",
        "per_device_train_batch_size": 8,
        "num_train_epochs": 3,
        "warmup_ratio": 0,
        "eval_split": 0,
        "mapping": {"question": "{q}", "answer": "{a}", "system": "{s}"},
    }
    assert {name: found.values.get(name) for name in expected} == expected
    assert "Rows of a pack saw one another" in lines(work / "lf.yaml")["packing"].consequence


@pytest.mark.parametrize(
    ("said", "objective", "loss", "beta"),
    [
        ("rl: dpo\nrl_beta: 0.3", "dpo", "sigmoid", 0.3),
        ("rl: ipo\norpo_alpha: 0.7", "dpo", "ipo", 0.1),
        ("rl: orpo\norpo_alpha: 0.2", "orpo", None, 0.2),
    ],
)
def test_an_axolotl_file_of_pairs(
    work: Path, said: str, objective: str, loss: str | None, beta: float
) -> None:
    text = f"base_model: ./model\n{said}\ntrain_on_inputs: true\ndatasets:\n"
    (work / "ax.yml").write_text(f"{text}  - path: rows.jsonl\n    type: chatml.intel\n")
    found = translation(work / "ax.yml")
    assert found is not None
    expected = {"objective": objective, "loss_type": loss, "beta": beta, "chat_template": "chatml",
                "data_format": "preference", "train_on": "answers"}  # fmt: skip
    assert {name: found.values.get(name) for name in expected} == expected
    assert any("both have the same prompt" in line.consequence for line in found.lines)
    assert parse(template(found.values)).recipe.objective == objective
    (work / "ax.yml").write_text(f"{text}  - path: rows.jsonl\n    type: chatml.argilla\n")
    assert "rename them" in lines(work / "ax.yml")["datasets.columns"].consequence


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("", ("dpo", "sigmoid")),
        ("hinge", ("dpo", "hinge")),
        ("ipo", ("dpo", "ipo")),
        ("orpo", ("orpo", None)),
    ],
)
def test_a_llamafactory_file_of_pairs(work: Path, loss: str, expected: tuple[str, str | None]) -> None:
    text = f"model_name_or_path: ./model\nstage: dpo\ndataset: ranked\npref_loss: {loss}\npref_beta: 0.4\n"
    (work / "lf.yaml").write_text(f"{text}pref_ftx: 0.5\ntemplate: qwen\n")
    found = translation(work / "lf.yaml")
    assert found is not None
    assert (found.values["objective"], found.values.get("loss_type")) == expected
    assert (found.values["beta"], found.values["data_format"]) == (0.4, "preference")
    assert found.values["data"] == str(work / "pairs.json")
    assert "mapping" not in found.values
    said = lines(work / "lf.yaml")
    assert "loss of their own" in said["pref_ftx"].consequence
    assert said["stage"].becomes == "pairs are learnt"
    assert parse(template(found.values)).recipe.beta == 0.4


def test_the_report_is_for_people_on_stderr_and_for_programs_in_json(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "lf.yaml").write_text(FACTORY.replace("mine, theirs", "hub"))
    assert main(["new", "r.yaml", "--from", "lf.yaml", "--lora-r", "4", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["tool"] == "LLaMA-Factory"
    assert {"key", "value", "outcome", "field", "becomes", "consequence"} == set(document["keys"][0])
    assert document["recipe"] == (work / "r.yaml").read_text()
    assert "lora_r: 4" in document["recipe"]
    assert "model: ./model" in document["recipe"]
    assert "what LLaMA-Factory takes by itself" in said.err
    assert "hf_abcdefghijklmnopqrstuvwxyz" not in said.err + said.out
    assert document["recipe"].startswith("# Taken over from lf.yaml (LLaMA-Factory).")


def test_a_template_that_is_spelt_out_becomes_a_file_beside_the_recipe(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jinja = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    text = AXOLOTL.replace("chat_template: llama3", f'chat_template: jinja\nchat_template_jinja: "{jinja}"')
    text = text.replace("dialog", "messages").split("    message_property")[0] + "adapter: lora\n" + (
        f'chat_template: jinja\nchat_template_jinja: "{jinja}"\n'
    )  # fmt: skip
    text = text.replace("adapter: qlora\n", "").replace("load_in_4bit: true\n", "")
    (work / "ax.yml").write_text(text)
    assert main(["new", "out.yaml", "--from", "ax.yml"]) == 0
    assert (work / "out.jinja").read_text() == jinja
    assert read(work / "out.yaml").resolved().chat_template == str(work / "out.jinja")
    assert main(["new", "--from", "ax.yml"]) == 2
    assert "needs a file of its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("kto.yml", "base_model: m\nrl: kto\ndatasets: [{path: a}]\n", "dpo, ipo, orpo are taken over"),
        ("reward.yml", "base_model: m\nreward_model: true\ndatasets: [{path: a}]\n", "reward model"),
        ("dpo.yaml", "model_name_or_path: m\nstage: dpo\ndataset: mine\n", "no preferences"),
        ("simpo.yaml", "model_name_or_path: m\nstage: dpo\npref_loss: simpo\ndataset: ranked\n", "not done"),
        ("rm.yaml", "model_name_or_path: m\nstage: rm\ndataset: ranked\n", "stage is rm"),
        ("ranked.yaml", "model_name_or_path: m\ndataset: ranked\n", "preferences"),
        ("lost.yaml", "model_name_or_path: m\ndataset: mien\n", "Did you mean mine?"),
        ("none.yaml", "model_name_or_path: m\n", "names no dataset"),
        ("away.yaml", "model_name_or_path: m\ndataset: mine\ndataset_dir: /nowhere\n", None),
        ("other.yaml", "learning_rate: 1\nepochs: 2\n", "of no trainer"),
        ("list.yaml", "- a\n- b\n", "no YAML or JSON of settings"),
        ("broken.yaml", "base_model: [a\n", "broken.yaml:"),
        ("broken.json", '{"model_name_or_path": ', "no YAML or JSON"),
        ("binary.yml", b"\xff\xfe\x00\x01", "not UTF-8"),
        ("empty.yml", "", "no YAML or JSON of settings"),
        ("model.yml", "base_model:\n", "names no model"),
    ],
)
def test_what_cannot_be_taken_over_is_told_in_a_word(
    name: str, text: str | bytes, word: str | None, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    status = main(["new", "out.yaml", "--from", name])
    said = capsys.readouterr().err
    if word is None:
        assert status == 0, "dataset_info.json lies beside the file"
        return
    assert status == 2
    assert word in said
    assert "Traceback" not in said
    assert not (work / "out.yaml").exists()


def test_aliases_that_multiply_are_not_followed(work: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    names = "abcdefghijklmnopqrstuvwxyz"
    for one, two in pairwise(names[:20]):
        bomb += f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n"
    (work / "bomb.yml").write_text(f"{bomb}base_model: m\ndatasets: *t\nlora_r: *t\n")
    with pytest.raises(Problem, match="more than 20,000 values"):
        translation(work / "bomb.yml")


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=12), st.sampled_from(
        ["alpaca", "chat_template", "completion", "jinja", "cosine", "all", "1e-4", "{", "./x.jinja", "full"]
    )
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["path", "type", "roles", "data_files", "field_messages", "format", "split", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
AXOLOTL_KEYS = [
    *axolotl_keys.KEYS,
    *["datasets", "test_datasets", "chat_template", "chat_template_jinja", "adapter"],
    *["bnb_config_kwargs", "eager_attention", "flex_attention", "batch_size"],
    *["warmup_steps", "lora_target_modules", "lora_target_linear", "bf16", "unknown"],
]
FACTORY_KEYS = [
    *llamafactory_keys.KEYS,
    *["adapter_name_or_path", "finetuning_type", "lora_target", "template", "cutoff_len"],
    *["packing", "bf16", "quantization_bit", "quantization_method"],
    *["warmup_steps", "eval_dataset", "unknown"],
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.dictionaries(st.sampled_from(AXOLOTL_KEYS), VALUES, max_size=8), factory=st.booleans())
def test_no_file_crashes_it_and_what_it_takes_is_a_recipe(
    said: dict[str, Any], factory: bool, work: Path
) -> None:
    if factory:
        names = dict(zip(AXOLOTL_KEYS, [*FACTORY_KEYS, *FACTORY_KEYS], strict=False))
        said = {names[key]: value for key, value in said.items()}
        said |= {"model_name_or_path": "m", "dataset": "mine"}
    else:
        said |= {"base_model": "m"}
    try:
        found = (from_llamafactory if factory else from_axolotl)(said, work)
    except Problem:
        return
    assert {line.key for line in found.lines} >= {key for key in said if key != "dataset"} - {
        "datasets", "test_datasets", "chat_template", "chat_template_jinja", "eval_dataset"
    }  # fmt: skip
    values = {
        name: value for name, value in found.values.items() if name not in ("data", "eval_data", "mapping")
    }
    parse(template(values | {"data": "rows.jsonl"}, expert=True))


QUANTISED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nf4": ({"quantization_bit": 4, "quantization_type": "nf4", "double_quantization": False},
            {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": False}),
    "int8": ({"quantization_bit": 8, "quantization_method": "bnb"}, {"load_in_8bit": True}),
    "hqq": ({"quantization_bit": 4, "quantization_method": "hqq"}, {}),
    "optimizer": ({"optim": "adamw_torch_fused"}, {"optim": "adamw_torch"}),
    "unknown optimizer": ({"optim": "galore_adamw"}, {}),
    "kernel": ({"flash_attn": "sdpa"}, {"attn_implementation": "sdpa"}),
}  # fmt: skip


@pytest.mark.parametrize("name", QUANTISED)
def test_how_another_trainer_holds_and_computes_is_taken_over(work: Path, name: str) -> None:
    said, wanted = QUANTISED[name]
    path = work / "lf.yaml"
    path.write_text(FACTORY + "".join(f"{key}: {json.dumps(value)}\n" for key, value in said.items()))
    found = translation(path)
    assert found is not None
    mine = {
        key: value for key, value in found.values.items() if key.startswith(("load_", "bnb_", "opt", "attn"))
    }
    assert mine == wanted
    assert all(line.consequence for line in found.lines if line.outcome == "ignored")


def test_what_excludes_each_other_in_a_file_is_taken_once(work: Path) -> None:
    (work / "ax.yml").write_text(AXOLOTL.replace("load_in_8bit: false", "load_in_8bit: true"))
    found = translation(work / "ax.yml")
    assert found is not None
    assert found.values.get("load_in_8bit", False) != found.values.get("load_in_4bit", False)
    assert any("left out" in line.consequence for line in found.lines)
