"""All that wants a card, in one command: throughput beside the peers, the estimate, 4 bits, NVML.

What this machine cannot do is said, and the rest goes on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.throughput import HEAD, alpaca_like, once, random_model, show
from tests.benchmarks.trainers import on_card

TITLE: Final = "On a card (bar: no slower than Unsloth, else than TRL; the estimate within -2 % and +8 %)"
_LLAMA: Final[dict[str, Any]] = {
    "model_type": "llama", "vocab_size": 128_256, "max_position_embeddings": 8192, "rope_theta": 500_000.0,
    "num_key_value_heads": 8, "dtype": "bfloat16",
}  # fmt: skip
_SHAPES: Final[dict[str, dict[str, Any]]] = {
    "Llama, 1.2 B": _LLAMA | {
        "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
        "tie_word_embeddings": True,
    },
    "Llama, 8.0 B": _LLAMA | {
        "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "tie_word_embeddings": False,
    },
}  # fmt: skip
_TRAINERS: Final = ("openlora", "trl", "unsloth")
_TESTS: Final = "tests/engine/train/test_cuda.py"


def measure() -> None:
    """Each part in turn; one that fails says why."""
    if not on_card():
        print("There is no CUDA device here. Not measured: throughput on 1.2 B and 8 B, the estimate against")
        print(
            "the allocator's peak, NF4 and NVML. `python -m tests.benchmarks gpu` does all of it on a card."
        )
        return
    for part in (_throughput, _estimate, _tests):
        _told(part.__name__.strip("_"), part)


def _throughput() -> None:
    print(f"Random weights in bfloat16.\n\n{HEAD}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        data = alpaca_like(Path(name))
        for shape, values in _SHAPES.items():
            model = random_model(Path(name) / shape.split()[1], dict(values))
            found: dict[str, list[dict[str, float]]] = {}
            for trainer in _TRAINERS:
                _told(trainer, partial(_into, found, trainer, model, data))
            if "openlora" in found:
                show(shape, found)


def _into(found: dict[str, list[dict[str, float]]], trainer: str, model: Path, data: Path) -> None:
    found[trainer] = [once(trainer, model, data)]


def _estimate() -> None:
    import_module("tests.benchmarks.estimate").measure()


def _tests() -> None:
    """NVML, precision, late reading and NF4 on the card are tests, which say what they found."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-m", "gpu", "-v", _TESTS], timeout=540)
    print(f"\n`pytest -m gpu {_TESTS}` ended with {done.returncode}.", flush=True)


def _told(what: str, part: Callable[[], object]) -> None:
    try:
        part()
    except Exception as error:  # a benchmark that cannot run here is told of, and the next one runs
        words = [line for line in f"{error}".splitlines() if line.strip()]
        print(
            f"\n{what} was not measured: {type(error).__name__}: {words[-1] if words else ''}\n", flush=True
        )
