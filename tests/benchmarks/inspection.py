"""Inspection of data beside `load_dataset` and `map(tokenize)`: same file, same tokenizer, in turn.

The other side does it twice: a row at a time, as `map` does by itself, and in batches of 1,000, which the
tokenizer spreads over all cores. Both keep what a trainer keeps: token ids and the attention mask.
"""

from __future__ import annotations

import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.scene import spent
from tests.benchmarks.scene_model import VOCABULARY, text, tokenizer, words

TITLE: Final = "Data inspection (bar: verdict within 2 s; 3 times as fast as load_dataset + map; memory flat)"
_SIZES: Final = (7, 70, 200, 1000)
"""Megabytes, about."""
_LARGE: Final = 100
"""Megabytes above which one round is enough."""
_LARGEST: Final = 500
"""Megabytes above which the other side is not asked."""
_ROW: Final = 356
"""Bytes of a row, on average."""
_ROUNDS: Final = 3

_THEIRS: Final = """
import sys
from datasets import load_dataset
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
data, model, cache, batched = sys.argv[1:]
tokenizer = PreTrainedTokenizerFast(tokenizer_file=model + "/tokenizer.json")
rows = load_dataset("json", data_files=data, split="train", cache_dir=cache)
def one(row):
    return tokenizer(row["prompt"] + row["completion"])
def many(batch):
    return tokenizer([a + b for a, b in zip(batch["prompt"], batch["completion"])])
rows = rows.map(many, batched=True) if batched else rows.map(one)
print(rows.num_rows, len(rows[0]["input_ids"]))
"""
_VERDICT: Final = """
import sys, time
began = time.perf_counter()
from pathlib import Path
from engine.data.inspect import Inspection
from engine.data.named import tokenizer_of
inspection = Inspection([Path(sys.argv[1])], tokenizer_of(sys.argv[2]), model=sys.argv[2])
next(inspection.steps())
assert inspection.report().format
print(time.perf_counter() - began)
"""


def measure() -> None:
    """Prompts with answers, about 90 tokens a row; seconds from the start of the process, and peak memory."""
    theirs_there = importlib.util.find_spec("datasets") is not None
    print(
        "| rows | file | first verdict | ours | map, batched | times as fast | map | times as fast |", end=""
    )
    print(" memory, ours | theirs |\n|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = words()
        tokenizer(folder / "model", known)
        (folder / "model/config.json").write_text(
            json.dumps({"model_type": "llama", "vocab_size": VOCABULARY})
        )
        for size in _SIZES:
            path = _file(folder, known, size * 1_000_000 // _ROW)
            rounds = [
                (_ours(path, folder), *(_theirs(path, folder, way) for way in _ways(size, theirs_there)))
                for _ in range(_ROUNDS if size < _LARGE else 1)
            ]
            print(_line(path, _verdict(path, folder), rounds), flush=True)
            path.unlink()
    if not theirs_there:
        print("\nNothing to compare with: `datasets` is not installed.")


def _ways(size: int, there: bool) -> tuple[str, ...]:
    """How the other side is asked: in batches, and row by row."""
    return ("batched", "") if there and size < _LARGEST else ()


def _line(path: Path, verdict: float, rounds: list[tuple[_Run, ...]]) -> str:
    seconds, memory = _middle([ours for ours, *_ in rounds])
    with path.open("rb") as file:
        rows = sum(1 for _ in file)
    line = f"| {rows:,} | {path.stat().st_size / 1e6:,.0f} MB | {verdict:.2f} s | {seconds:.1f} s |"
    most = 0
    for way in range(1, len(rounds[0])):
        other, held = _middle([each[way] for each in rounds])
        times = statistics.median(each[way][0] / each[0][0] for each in rounds)
        most = max(most, held)
        line += f" {other:.1f} s | **{times:.1f}** |"
    line += " | | | |" if not most else ""
    return f"{line} {memory / 1e6:,.0f} MB | {f'{most / 1e6:,.0f} MB' if most else ''} |"


_Run = tuple[float, int]


def _middle(runs: list[_Run]) -> _Run:
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def _ours(path: Path, folder: Path) -> _Run:
    call = ["-m", "openlora_tui.cli.main", "inspect", str(path), "--model", str(folder / "model"), "--json"]
    return _alone(call, folder)


def _theirs(path: Path, folder: Path, way: str) -> _Run:
    with tempfile.TemporaryDirectory() as cache:
        return _alone(["-c", _THEIRS, str(path), str(folder / "model"), cache, way], folder)


def _verdict(path: Path, folder: Path) -> float:
    call = [sys.executable, "-c", _VERDICT, str(path), str(folder / "model")]
    done = subprocess.run(call, check=True, capture_output=True, text=True, timeout=600)
    return float(done.stdout)


def _alone(call: list[str], folder: Path) -> _Run:
    return spent(call, HF_HUB_OFFLINE="1", OPENLORA_HOME=str(folder / "home"))


def _file(folder: Path, known: list[str], rows: int) -> Path:
    path, draw = folder / f"rows-{rows}.jsonl", random.Random(2)
    with path.open("w") as file:
        for _ in range(rows):
            row = {
                "prompt": text(draw, known, draw.randint(5, 30)),
                "completion": text(draw, known, draw.randint(5, 60)),
            }
            file.write(json.dumps(row) + "\n")
    return path
