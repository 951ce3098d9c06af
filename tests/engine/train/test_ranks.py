"""Two ranks with a batch each do what one process does with both."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.events import Step
from tests.engine.train.conftest import Run, Start

_RANKS = """
import json, os, sys
from pathlib import Path
from engine import faults
from engine.events import Log, Step
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.train.loop import train
import torch
torch.set_num_threads(1)
# One import serves both ranks, because it costs more than the training.
other = os.fork()
os.environ["RANK"] = os.environ["LOCAL_RANK"] = "0" if other else "1"
said = []
class Silent:
    def next(self): return None
def run(name):
    folder = Path(sys.argv[1]) / name
    end = train(Job(run="r", folder=folder, recipe=Recipe(**json.loads(sys.argv[2])), device="cpu"),
                said.append, Silent())
    print(end, *[e.text for e in said if isinstance(e, Log)], flush=True)
    if other:
        figures = [[e.loss, e.grad_norm] for e in said if isinstance(e, Step)]
        found = [f.title for f in end.findings if f.category == "oom"]
        (folder / "said.json").write_text(json.dumps({"figures": figures, "oom": found}))
    said.clear()
    return type(end).__name__ == "Finished"
well = run("two")
if "tight" in sys.argv:
    if not other:
        faults.arm(faults.asked({"OPENLORA_FAULT": "oom@2,oom@5"}), said.append)
    well = run("tight") and well
if other:
    well = os.waitpid(other, 0)[1] == 0 and well
os._exit(0 if well else 1)
"""


@pytest.mark.parametrize("fsdp", ["never", "always"])
def test_two_ranks_equal_one_process_with_twice_the_batch(fsdp: str, start: Start, tmp_path: Path) -> None:
    # 36 rows in steps of 16 end an epoch with 4 rows; with 3 epochs both kinds of step are met.
    changes: dict[str, Any] = {"max_steps": 7, "save_steps": 3, "eval_steps": 3}
    one = start("one", per_device_train_batch_size=4, **changes)
    tight = ["tight"] if fsdp == "never" else []
    said = on_two_ranks(one, tmp_path, *tight, fsdp=fsdp)

    assert _oom_findings(one, tmp_path / "two") == []
    assert ("spread over 2 ranks" in said) == (fsdp == "always")
    if fsdp == "always":
        return
    # In the second run memory runs out twice on the rank that says nothing.
    first, second = _oom_findings(one, tmp_path / "tight")
    assert "micro-batches now hold at most" in first
    assert "gradient checkpointing is on" in second


def test_two_ranks_share_pairs_and_their_reference(start: Start, pairs: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"data": str(pairs), "objective": "dpo", "beta": 0.5, "max_steps": 5}
    one = start("one", per_device_train_batch_size=4, learning_rate=5e-3, **changes)
    on_two_ranks(one, tmp_path)
    assert _oom_findings(one, tmp_path / "two") == []


def on_two_ranks(one: Run, folder: Path, *more: str, fsdp: str = "never") -> str:
    """Do what `one` did with two ranks and half the batch on each, in the folder `two`; what they said."""
    recipe = {f: getattr(one.job.recipe, f) for f in one.job.recipe.__struct_fields__}
    recipe |= {"per_device_train_batch_size": 2, "fsdp": fsdp}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    two_ranks = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    done = subprocess.run(
        [sys.executable, "-c", _RANKS, str(folder), json.dumps(recipe), *more],
        env={**os.environ, **two_ranks, "ACCELERATE_USE_CPU": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _oom_findings(one: Run, folder: Path) -> list[str]:
    """What the ranks said of memory, after a look at whether they did what one process does."""
    said = json.loads((folder / "said.json").read_text())
    # Adam forgives a wrong scale of the gradients; their norm does not.
    for (loss, norm), step in zip(said["figures"], one.of(Step), strict=True):
        assert loss == pytest.approx(step.loss, rel=1e-4)
        assert norm == pytest.approx(step.grad_norm, rel=1e-3)
    two = load_file(folder / "adapter" / "adapter_model.safetensors")
    for name, tensor in one.weights().items():
        torch.testing.assert_close(two[name], tensor, rtol=2e-2, atol=2e-3)
    checkpoint = sorted((folder / "checkpoints").iterdir())[-1]
    assert {"random-00000.pt", "random-00001.pt"} <= {file.name for file in checkpoint.iterdir()}
    titles: list[str] = said["oom"]
    return titles
