"""Training throughput and peak memory beside Hugging Face's `Trainer` and TRL's `SFTTrainer`."""

from __future__ import annotations

import importlib.util
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from engine.model.layers import tensors_of
from tests.benchmarks.scene_model import text, tokenizer, words
from tests.benchmarks.trainers import LENGTH, ROWS, STEPS

TITLE: Final = "Training (bar: 1.5 times the better peer's tokens a second, 0.6 of the lower peak)"
_ROUNDS: Final = 2
_NEEDS: Final = {"openlora": "torch", "trainer": "datasets", "trl": "trl"}
_NAMES: Final = {
    "openlora": "OpenLoRA",
    "trainer": "transformers `Trainer`, grouped by length",
    "trl": "TRL `SFTTrainer`, packed",
}
_SHAPES: Final[dict[str, dict[str, Any]]] = {
    "Llama, 42 M parameters, 32,000 tokens": {
        "model_type": "llama", "vocab_size": 32_000, "hidden_size": 512, "intermediate_size": 1408,
        "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8,
        "max_position_embeddings": 1024, "tie_word_embeddings": True,
    },
    "GPT-2, 82 M parameters, 50,257 tokens": {
        "model_type": "gpt2", "vocab_size": 50_257, "n_embd": 768, "n_layer": 6, "n_head": 12,
        "n_positions": 1024, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    },
}  # fmt: skip
HEAD: Final = "| shape | trainer | useful tokens/s | peak above the libraries | loss |\n|---|---|---|---|---|"
_MAKE: Final = """
import json, sys, torch
from transformers import AutoConfig, AutoModelForCausalLM
values = json.loads(sys.argv[2])
torch.manual_seed(0)
kind = values.pop("model_type")
config = AutoConfig.for_model(kind, **values, bos_token_id=1, eos_token_id=2, pad_token_id=0)
with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
    AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[1])
"""


def measure() -> None:
    """Each trainer in a process of its own, in turn; in two rounds."""
    there = [name for name, needs in _NEEDS.items() if importlib.util.find_spec(needs) is not None]
    print(f"{ROWS} rows of at most {LENGTH} tokens a step, {STEPS} steps, float32, rank 8 on all layers.\n")
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        data = alpaca_like(Path(name))
        for shape, values in _SHAPES.items():
            model = random_model(Path(name), dict(values))
            found: dict[str, list[dict[str, float]]] = {one: [] for one in there}
            for _ in range(_ROUNDS):
                for one in there:
                    found[one].append(once(one, model, data))
            show(shape, found)
            _arithmetic(model, found["openlora"])
    for name in _NEEDS.keys() - set(there):
        print(f"\n{_NAMES[name]} was not measured: `{_NEEDS[name]}` is not installed.")


def _arithmetic(model: Path, runs: list[dict[str, float]]) -> None:
    """How much of the machine's rate for products the products take that a step cannot do without.

    Forward and backward, a token costs two operations each for every weight of the layers, and a label
    as many for the head; attention and the adapter are left out.
    """
    layers, head = _weights(model)
    rate = statistics.median(_rate() for _ in range(5))
    speed, labels = (
        statistics.median(run[f"{what}_per_second"] for run in runs) for what in ("tokens", "labels")
    )
    share = 4 * (layers * speed + head * labels) / rate
    print(
        f"\nNecessary products: {share:.0%} of the measured {rate / 1e9:,.0f} GFLOP/s.\n\n{HEAD}", flush=True
    )


def _weights(model: Path) -> tuple[int, int]:
    """Numbers in the matrices of the layers, and in the head."""
    shapes = [tensor.shape for name, tensor in tensors_of(model).items() if len(tensor.shape) == 2]
    config = json.loads((model / "config.json").read_text())
    vocabulary = config["vocab_size"]
    head = next(math.prod(shape) for shape in shapes if shape[0] == vocabulary)
    positions = config.get("n_positions")
    inside = [shape for shape in shapes if shape[0] not in (vocabulary, positions)]
    return sum(map(math.prod, inside)), head


def _rate() -> float:
    """Operations a second of a product as large as a step's."""
    import torch

    left, right = torch.randn(1024, 768), torch.randn(768, 3072)
    left @ right
    began = time.perf_counter()
    for _ in range(10):
        left @ right
    return 10 * 2 * 1024 * 768 * 3072 / (time.perf_counter() - began)


def show(shape: str, found: dict[str, list[dict[str, float]]]) -> None:
    """A row for each trainer, and one for the ratio, round by round."""
    for name, runs in found.items():
        speed, peak, loss = (
            statistics.median(run[key] for run in runs) for key in ("tokens_per_second", "peak", "loss")
        )
        print(f"| {shape} | {_NAMES[name]} | {speed:,.0f} | {peak / 1e6:,.0f} MB | {loss:.3f} |", flush=True)
    peers = [runs for name, runs in found.items() if name != "openlora"]
    if not peers:
        return
    ours = found["openlora"]
    rounds = range(len(ours))
    speed = [
        ours[at]["tokens_per_second"] / max(peer[at]["tokens_per_second"] for peer in peers) for at in rounds
    ]
    peak = [ours[at]["peak"] / min(peer[at]["peak"] for peer in peers) for at in rounds]
    print(
        f"| {shape} | **ours over the better** | **{statistics.median(speed):.2f}** "
        f"| **{statistics.median(peak):.2f}** | |",
        flush=True,
    )


def once(name: str, model: Path, data: Path) -> dict[str, float]:
    """The figures of one trainer in a process of its own.

    Raises:
        RuntimeError: with what it printed, where it failed.
    """
    call = [sys.executable, "-m", "tests.benchmarks.trainers", name, str(model), str(data)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{name}:\n{done.stdout}\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def alpaca_like(folder: Path) -> Path:
    """Rows as long as those of Alpaca: instructions of some 20 tokens, answers of 60 with a long tail."""
    path, draw, known = folder / "rows.jsonl", random.Random(4), words()
    with path.open("w") as file:
        for _ in range(ROWS * STEPS * 3):
            answer = min(int(draw.lognormvariate(3.6, 0.9)) + 1, 300)
            row = {
                "prompt": text(draw, known, draw.randint(6, 24)),
                "completion": text(draw, known, answer),
            }
            file.write(json.dumps(row) + "\n")
    return path


def random_model(folder: Path, values: dict[str, Any]) -> Path:
    """A model of that configuration with random weights, in `folder`."""
    model = folder / str(values["model_type"])
    subprocess.run([sys.executable, "-c", _MAKE, str(model), json.dumps(values)], check=True, timeout=600)
    tokenizer(model, words())
    return model
