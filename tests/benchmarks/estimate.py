"""The predicted peak of memory beside what a real step allocates, over a grid; needs torch."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.scene_model import text, tokenizer, words

TITLE: Final = "Memory predicted (bar: from -2 % to +8 % of the measured peak)"
LOWEST, HIGHEST = -0.02, 0.08
_CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "llama": {
        "model_type": "llama", "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6,
        "num_attention_heads": 8, "num_key_value_heads": 4, "max_position_embeddings": 2048,
    },
    "gpt2": {"model_type": "gpt2", "n_embd": 256, "n_layer": 6, "n_head": 8, "n_positions": 2048},
    "falcon": {
        "model_type": "falcon", "hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 8,
        "alibi": True, "bias": True, "multi_query": False, "new_decoder_architecture": False,
        "parallel_attn": False,
    },
}  # fmt: skip
_METHODS: Final[dict[str, dict[str, Any]]] = {
    "LoRA": {},
    "LoRA, attention, rank 64": {"target_modules": "attention", "lora_r": 64},
    "LoRA with dropout": {"lora_dropout": 0.1},
    "DoRA": {"use_dora": True},
    "LoRA in bf16": {"mixed_precision": "bf16"},
}
_SHAPES: Final = ((128, 4), (512, 1), (512, 4))
"""Tokens of a row, rows of a micro-batch."""
_VOCABULARIES: Final = (8_000, 64_000)
_ONE: Final = """
import json, sys
from pathlib import Path
from msgspec.structs import replace
from engine.estimate.exact import exact
from engine.hub.cache import read_json
from engine.recipe.recipe import Recipe
from tests.benchmarks.counted import counted_peak
device = sys.argv[3]
for number, line in enumerate(Path(sys.argv[1]).read_text().splitlines()):
    recipe = Recipe(**json.loads(line))
    counted = counted_peak(recipe, Path(sys.argv[2]) / str(number), device)
    found = exact(recipe, read_json(Path(recipe.model) / "config.json"), cuda=device != "cpu")
    print("=" + json.dumps([counted, found.peak - found.allocator]), flush=True)
"""


def measure() -> bool:
    """Run the grid on the CPU, and on a card where there is one; True where each error keeps the bar."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = _grid(folder)
        held = _told("the CPU, by counted allocations", grid, _run(folder, grid, "cpu"))
        if _has_card():
            held &= _told("a card, by its allocator's peak", grid, _run(folder, grid, "cuda:0"))
        else:
            print("\nNothing was measured on a card: there is none.")
        return held


def _grid(folder: Path) -> list[dict[str, Any]]:
    """Each method, length, batch and vocabulary with every model, checkpointed and not, in turn."""
    rows, known, draw = folder / "rows.jsonl", words(), random.Random(5)
    rows.write_text("".join(json.dumps({"text": text(draw, known, 4000)}) + "\n" for _ in range(8)))
    points = []
    for at, (vocabulary, (length, batch), (method, values)) in enumerate(
        (v, s, m) for v in _VOCABULARIES for s in _SHAPES for m in _METHODS.items()
    ):
        kind = list(_CONFIGS)[at % len(_CONFIGS)]
        fields = {
            "model": str(_model(folder, kind, vocabulary)), "data": str(rows), "max_length": length,
            "per_device_train_batch_size": batch, "gradient_accumulation_steps": 2, "eval_split": 0.2,
            "sample_steps": 0, "gradient_checkpointing": at % 4 == 3, **values,
        }  # fmt: skip
        points.append({"about": (kind, vocabulary, length, batch, method), "recipe": fields})
    return points


def _model(folder: Path, kind: str, vocabulary: int) -> Path:
    model = folder / f"{kind}-{vocabulary}"
    if not model.exists():
        values = {**_CONFIGS[kind], "vocab_size": vocabulary}
        from tests.benchmarks.throughput import _MAKE

        subprocess.run([sys.executable, "-c", _MAKE, str(model), json.dumps(values)], check=True, timeout=600)
        tokenizer(model, words())
    return model


def _run(folder: Path, grid: list[dict[str, Any]], device: str) -> list[tuple[int, int]]:
    recipes = folder / f"recipes-{device.partition(':')[0]}.jsonl"
    on_cpu = {"devices": "cpu"} if device == "cpu" else {}
    recipes.write_text("".join(json.dumps({**p["recipe"], **on_cpu}) + "\n" for p in grid))
    call = [sys.executable, "-c", _ONE, str(recipes), str(folder / device.partition(":")[0]), device]
    done = subprocess.run(call, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found = [json.loads(line[1:]) for line in done.stdout.splitlines() if line.startswith("=[")]
    return [(counted, predicted) for counted, predicted in found]


def _told(where: str, grid: list[dict[str, Any]], found: list[tuple[int, int]]) -> bool:
    errors = [predicted / counted - 1 for counted, predicted in found]
    print(f"\nMeasured on {where}.\n")
    print("| model, vocabulary | row x batch | method | checkpointing | measured | predicted | error |")
    print("|---|---|---|---|---|---|---|")
    for point, (counted, predicted), error in zip(grid, found, errors, strict=True):
        kind, vocabulary, length, batch, method = point["about"]
        spared = "yes" if point["recipe"]["gradient_checkpointing"] else "no"
        print(
            f"| {kind}, {vocabulary:,} | {length} x {batch} | {method} | {spared} "
            f"| {counted / 2**20:,.1f} MiB | {predicted / 2**20:,.1f} MiB | {error:+.1%} |"
        )
    inside = sum(LOWEST <= error <= HIGHEST for error in errors)
    print(
        f"\n{inside} of {len(errors)} in the bar; from {min(errors):+.1%} to {max(errors):+.1%}.", flush=True
    )
    return inside == len(errors)


def _has_card() -> bool:
    from engine.telemetry.gpu import gpus

    return bool(gpus())
