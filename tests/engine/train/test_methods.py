"""Every method on every architecture learns, goes on to the bit, and opens with plain peft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine import events as ev
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.train.machine import Machine
from engine.train.methods.table import METHODS
from engine.train.model.student import Student, student_of
from tests.engine.train.conftest import Run, sentence
from tests.engine.train.zoo import made

KINDS: Final = [
    "gpt2", "falcon-rw", "falcon-40b", "mistral", "llama", "qwen2", "qwen3", "gemma", "phi", "opt",
    "gpt_neox",
]  # fmt: skip
RATES: Final = {
    "adalora": 0.1, "vera": 0.2, "ia3": 0.1, "prompt": 0.3, "prefix": 0.3, "bitfit": 0.02, "full": 2e-3,
}  # fmt: skip
IDS: Final = [1, 40, 50, 60, 70, 45, 55, 65, 75, 41, 51, 61, 71]


@pytest.fixture(scope="module", params=KINDS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tokenizer_files: dict[str, str]
) -> Path:
    return made(request.param, tmp_path_factory.mktemp(request.param), tokenizer_files)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many as a step takes, so that losses of steps compare; shorter than any sliding window."""
    path = tmp_path_factory.mktemp("few") / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": sentence(i, 3)}) + "\n" for i in range(4)))
    return path


@pytest.mark.parametrize("method", list(METHODS))
def test_it_learns_goes_on_to_the_bit_and_opens_elsewhere(
    model: Path, method: str, rows: Path, tmp_path: Path
) -> None:
    whole = Run(_job(tmp_path / "whole", model, rows, method))
    if isinstance(whole.end, ev.Failed):
        assert _excused(model, method), whole.end
        assert whole.end.do
        return
    assert whole.losses[-1] < whole.losses[0]

    broken = _job(tmp_path / "broken", model, rows, method)
    assert Run(broken, (2, "interrupt")).end.resumable
    again = Run(broken)
    assert again.of(ev.Resumed)
    assert again.losses == whole.losses[-len(again.losses) :]
    _same_files(whole.job.adapter, broken.adapter)

    learnt = _logits(_opened(model, whole.job.adapter, method))
    assert not torch.allclose(learnt, _logits(_plain(model)), atol=1e-3)
    student = _restored(whole.job)
    torch.testing.assert_close(_logits(student.peft), learnt, rtol=1e-4, atol=1e-4)


def _excused(model: Path, method: str) -> bool:
    """True where the architecture has nothing for the method."""
    kind = json.loads((model / "config.json").read_text())["model_type"]
    return method == "bitfit" and kind in ("mistral", "llama", "qwen3", "gemma", "falcon")


def _job(folder: Path, model: Path, rows: Path, method: str, **changes: Any) -> Job:
    small = {
        "model": str(model), "data": str(rows), "max_length": 48, "lora_r": 4, "lora_alpha": 8.0,
        "learning_rate": RATES.get(method, 2e-2), "max_steps": 4, "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1, "eval_steps": 0, "sample_steps": 0, "save_steps": 0, "seed": 1,
        "eval_split": 0.0, "num_virtual_tokens": 5, "method": method, "lr_scheduler_type": "constant",
    }  # fmt: skip
    return Job(run="run", folder=folder, recipe=Recipe(**{**small, **changes}), device="cpu")


def _plain(model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()


def _opened(model: Path, adapter: Path, method: str) -> Any:
    if method == "full":
        return _plain(adapter)
    return PeftModel.from_pretrained(_plain(model), str(adapter)).eval()


def _logits(model: Any) -> torch.Tensor:
    """Of the row itself, whatever stands before it."""
    model.eval()
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=torch.tensor([IDS])).logits
    return logits[:, -len(IDS) :]


def _restored(job: Job) -> Student:
    """The model of the run's last checkpoint."""
    from engine.train.methods import adapter
    from engine.train.saving.checkpoint import newest

    found, _ = newest(job.checkpoints)
    assert found is not None
    student = student_of(job, Machine(job), found.path)
    adapter.read_into(student.peft, found.path)
    return student


def _same_files(one: Path, other: Path) -> None:
    from safetensors.torch import load_file

    [name] = [file.name for file in one.glob("*.safetensors")]
    left, right = load_file(one / name), load_file(other / name)
    assert left.keys() == right.keys()
    for key, tensor in left.items():
        assert torch.equal(tensor, right[key]), key
