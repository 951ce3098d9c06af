"""Training throughput and peak memory beside Hugging Face's `Trainer` and TRL's `SFTTrainer`."""

from __future__ import annotations

import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

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
_MAKE: Final = """
import json, sys, torch
from transformers import AutoConfig, AutoModelForCausalLM
values = json.loads(sys.argv[2])
torch.manual_seed(0)
kind = values.pop("model_type")
config = AutoConfig.for_model(kind, **values, bos_token_id=1, eos_token_id=2, pad_token_id=0)
AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[1])
"""


def measure() -> None:
    """Each trainer in a process of its own, in turn; in two rounds."""
    there = [name for name, needs in _NEEDS.items() if importlib.util.find_spec(needs) is not None]
    print(f"{ROWS} rows of at most {LENGTH} tokens a step, {STEPS} steps, float32, rank 8 on all layers.\n")
    print("| shape | trainer | useful tokens/s | peak above the libraries | loss |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        data = _data(Path(name))
        for shape, values in _SHAPES.items():
            model = _model(Path(name), values)
            found: dict[str, list[dict[str, float]]] = {one: [] for one in there}
            for _ in range(_ROUNDS):
                for one in there:
                    found[one].append(_once(one, model, data))
            _print(shape, found)
    for name in _NEEDS.keys() - set(there):
        print(f"\n{_NAMES[name]} was not measured: `{_NEEDS[name]}` is not installed.")


def _print(shape: str, found: dict[str, list[dict[str, float]]]) -> None:
    for name, runs in found.items():
        speed, peak, loss = (statistics.median(run[key] for run in runs) for key in runs[0])
        print(f"| {shape} | {_NAMES[name]} | {speed:,.0f} | {peak / 1e6:,.0f} MB | {loss:.3f} |", flush=True)
    peers = [runs for name, runs in found.items() if name != "openlora"]
    if not peers:
        return
    rounds = range(_ROUNDS)
    ours = found["openlora"]
    speed = [
        ours[at]["tokens_per_second"] / max(peer[at]["tokens_per_second"] for peer in peers) for at in rounds
    ]
    peak = [ours[at]["peak"] / min(peer[at]["peak"] for peer in peers) for at in rounds]
    print(
        f"| {shape} | **ours over the better** | **{statistics.median(speed):.2f}** "
        f"| **{statistics.median(peak):.2f}** | |",
        flush=True,
    )


def _once(name: str, model: Path, data: Path) -> dict[str, float]:
    call = [sys.executable, "-m", "tests.benchmarks.trainers", name, str(model), str(data)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{name}:\n{done.stdout}\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _data(folder: Path) -> Path:
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


def _model(folder: Path, values: dict[str, Any]) -> Path:
    model = folder / str(values["model_type"])
    subprocess.run([sys.executable, "-c", _MAKE, str(model), json.dumps(values)], check=True, timeout=600)
    tokenizer(model, words())
    return model
