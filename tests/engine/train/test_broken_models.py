"""Folders that hold no model that can be tuned: each is refused in words, before anything is learnt."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import events as ev
from tests.bad_input.telling import check_safe
from tests.engine.train.conftest import Start


def configured(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def put(name: str, content: str | bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return damage


def without(*names: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return damage


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / WEIGHTS
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return damage


def cut(size: int) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(data[:size])

    return damage


def pickled(folder: Path) -> None:
    state = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save({**state, "evil": Evil(folder / "pwned")}, folder / "pytorch_model.bin")


class Evil:
    """Runs a command in whoever unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def half_sharded(folder: Path) -> None:
    first = "model-00001-of-00002.safetensors"
    (folder / WEIGHTS).rename(folder / first)
    index = {"metadata": {}, "weight_map": {"a": first, "b": "model-00002-of-00002.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def broken_index(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / f"{WEIGHTS}.index.json").write_text("{broken")


WEIGHTS = "model.safetensors"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (without("config.json"), "config.json"),
    "broken config": (put("config.json", "{nonsense"), "config.json"),
    "config is a list": (put("config.json", "[1]"), "config.json"),
    "config is binary": (put("config.json", b"\xff\xfe{}"), "config.json"),
    "config is deep": (put("config.json", "[" * 100_000), "config.json"),
    "config is empty": (put("config.json", "{}"), "config.json"),
    "BERT": (configured(model_type="bert", architectures=["BertModel"]), "They would be random"),
    "T5": (configured(model_type="t5", architectures=["T5ForConditionalGeneration"]), "no causal"),
    "a vision model": (
        configured(model_type="vit", architectures=["ViTForImage"]),
        "ViTForImage is no causal",
    ),
    "unknown": (configured(model_type="\x1b[31mfoo[red]", architectures=["Foo"]), ""),
    "own code": (
        configured(model_type="mine", auto_map={"AutoModelForCausalLM": "m.M"}),
        "does not run unless you trust it",
    ),
    "a text for a number": (configured(hidden_size="big"), ""),
    "a negative number": (configured(num_hidden_layers=-1), ""),
    "an absurd size": (configured(hidden_size=10**9), ""),
    "no weights": (without(WEIGHTS), "no weights"),
    "truncated weights": (cut(-1000), "should have"),
    "truncated header": (cut(50), "cut off"),
    "empty weights": (cut(0), "cut off"),
    "garbage": (put(WEIGHTS, bytes(range(256)) * 20), ""),
    "a pointer": (put(WEIGHTS, POINTER), "git lfs pull"),
    "other shapes": (weights(lambda s: {k: v[:-1].clone() if v.dim() == 2 else v for k, v in s.items()}), ""),
    "half the layers": (weights(lambda s: {k: v for k, v in s.items() if "layers.0" not in k}), "lack 9 of"),
    "weights that are no numbers": (
        weights(lambda s: {k: v * torch.nan for k, v in s.items()}),
        "not finite",
    ),
    "half the shards": (half_sharded, "model-00002"),
    "broken index": (broken_index, "index.json"),
    "pickled weights": (pickled, "none of it was run"),
    "no tokenizer": (without("tokenizer.json", "tokenizer_config.json"), "tokenizer"),
    "broken tokenizer": (put("tokenizer.json", "{broken"), "tokenizer.json"),
    "binary tokenizer": (put("tokenizer.json", bytes(range(256))), "tokenizer.json"),
    "broken tokenizer config": (put("tokenizer_config.json", "[broken"), "tokenizer_config.json"),
    "broken template": (put("chat_template.jinja", "{% for x in %}"), "chat template"),
    "binary template": (put("chat_template.jinja", b"\xff\xfe"), "chat_template.jinja"),
    "broken generation": (put("generation_config.json", "{broken"), "generation_config.json"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_folder_that_holds_no_usable_model(case: str, start: Start, llama: Path, tmp_path: Path) -> None:
    damage, words = DAMAGES[case]
    folder = tmp_path / "broken"
    shutil.copytree(llama, folder)
    damage(folder)
    run = start(model=str(folder))
    end = run.end
    assert not (folder / "pwned").exists()
    assert isinstance(end, ev.Failed)
    assert end.what
    assert end.do
    said = f"{end.what} {end.where} {end.why} {end.do}"
    assert words in said
    assert "traceback" not in said.lower()
    assert end.findings[-1].severity == "blocker"
    assert not run.of(ev.Step)
    assert len(said) < 2000
    check_safe(said)
