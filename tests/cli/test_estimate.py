"""`openlora estimate --quick`: the question that every user asks, answered without torch or a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from openlora_tui.cli.main import main

LONG = ["--model", "tiiuae/falcon-rw-1b", "--max-length", "2048"]
FALCON = [*LONG, "--per-device-train-batch-size", "8"]


def _document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["estimate", *words, "--quick", "--json"]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_model_by_its_name_alone_has_a_price_and_a_change_that_makes_it_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = _document(capsys, *FALCON, "--gpu-memory", "12GB")
    assert found["fits"] is False
    assert found["memory_bytes"] == 12 * 10**9
    assert sum(found["parts"].values()) == found["peak_bytes"] > 12 * 10**9  # type: ignore[attr-defined]
    change = found["changes"][0]  # type: ignore[index]
    mended = [word for name, value in change["recipe"].items() for word in ("--set", f"{name}={value}")]
    again = _document(capsys, *LONG, "--gpu-memory", "12GB", *mended)
    assert again["fits"] is True
    assert again["peak_bytes"] == change["peak_bytes"]


def test_a_recipes_max_length_ends_at_the_models_context(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model: distilgpt2\ndata: not-yet.jsonl\nmax_length: 4096\n")
    found = _document(capsys, str(recipe), "--gpu-memory", "80GiB")
    assert found["max_length"] == 1024
    assert found["fits"] is True
    assert found["largest_micro_batch"] >= 4  # type: ignore[operator]


def test_a_folder_needs_no_more_than_its_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    config = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
              "num_attention_heads": 4, "vocab_size": 1000}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    on_cpu = _document(capsys, "--model", str(folder), "--devices", "cpu")
    on_card = _document(capsys, "--model", str(folder), "--gpu-memory", "8GiB")
    assert on_cpu["parts"]["weights"] == 2 * on_card["parts"]["weights"]  # type: ignore[index]


def test_people_read_the_parts_and_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", *FALCON, "--gpu-memory", "12GiB", "--quick"]) == 0
    said = capsys.readouterr().out
    assert "does not fit in 12.0 GiB" in said
    assert "activations" in said
    assert re.search(r"--set per_device_train_batch_size=[12] ", said)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "nothing to estimate"),
        (["--model", "nobody/nothing"], "Nothing is known of the model"),
        (["--model", "gpt2", "--gpu-memory", "lots"], "no amount of memory"),
        (["--model", "gpt2", "--max-length", "-1"], "max_length"),
    ],
)
def test_wrong_words_are_told_in_one_message(
    words: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", *words, "--quick", "--json"]) == 2
    streams = capsys.readouterr()
    assert what in json.loads(streams.out)["error"]["what"]
    assert "Traceback" not in streams.err
