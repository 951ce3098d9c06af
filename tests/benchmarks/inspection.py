"""Inspection of data beside `load_dataset` and `map(tokenize)`: same file, same tokenizer, in turn."""

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
_ROWS: Final = (2_000, 20_000, 200_000)
_ROUNDS: Final = 3

_THEIRS: Final = """
import sys
from datasets import load_dataset
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
data, model, cache = sys.argv[1:]
tokenizer = PreTrainedTokenizerFast(tokenizer_file=model + "/tokenizer.json")
rows = load_dataset("json", data_files=data, split="train", cache_dir=cache)
def tokenize(batch):
    text = [a + "\\n" + b for a, b in zip(batch["prompt"], batch["completion"])]
    return {"length": [len(ids) for ids in tokenizer(text)["input_ids"]]}
rows = rows.map(tokenize, batched=True, remove_columns=rows.column_names)
print(rows.num_rows, max(rows["length"]))
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
    print("| rows | file | first verdict | ours | theirs | times as fast | memory, ours | theirs |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = words()
        tokenizer(folder / "model", known)
        (folder / "model/config.json").write_text(
            json.dumps({"model_type": "llama", "vocab_size": VOCABULARY})
        )
        for rows in _ROWS:
            path = _file(folder, known, rows)
            ours, theirs = [], []
            for _ in range(_ROUNDS):
                ours.append(_ours(path, folder))
                if theirs_there:
                    theirs.append(_theirs(path, folder))
            print(_line(rows, path, _verdict(path, folder), ours, theirs), flush=True)
    if not theirs_there:
        print("\nNothing to compare with: `datasets` is not installed.")


def _line(rows: int, path: Path, verdict: float, ours: list[_Run], theirs: list[_Run]) -> str:
    seconds, memory = _middle(ours)
    size = path.stat().st_size / 1e6
    head = f"| {rows:,} | {size:,.1f} MB | {verdict:.2f} s | {seconds:.2f} s "
    if not theirs:
        return f"{head}| | | {memory / 1e6:,.0f} MB | |"
    other, their_memory = _middle(theirs)
    times = statistics.median(b[0] / a[0] for a, b in zip(ours, theirs, strict=True))
    return (
        f"{head}| {other:.2f} s | **{times:.1f}** | {memory / 1e6:,.0f} MB | {their_memory / 1e6:,.0f} MB |"
    )


_Run = tuple[float, int]


def _middle(runs: list[_Run]) -> _Run:
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def _ours(path: Path, folder: Path) -> _Run:
    call = ["-m", "openlora_tui.cli.main", "inspect", str(path), "--model", str(folder / "model"), "--json"]
    return _alone(call, folder)


def _theirs(path: Path, folder: Path) -> _Run:
    with tempfile.TemporaryDirectory() as cache:
        return _alone(["-c", _THEIRS, str(path), str(folder / "model"), cache], folder)


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
