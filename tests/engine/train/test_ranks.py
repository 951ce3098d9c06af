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
from tests.engine.train.conftest import Start

_RANKS = """
import json, os, sys
from pathlib import Path
from engine.events import Step
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
end = train(Job(run="r", folder=Path(sys.argv[1]), recipe=Recipe(**json.loads(sys.argv[2])), device="cpu"),
            said.append, Silent())
print(end, flush=True)
well = type(end).__name__ == "Finished"
if other:
    well = os.waitpid(other, 0)[1] == 0 and well
    figures = [[e.loss, e.grad_norm] for e in said if isinstance(e, Step)]
    (Path(sys.argv[1]) / "figures.json").write_text(json.dumps(figures))
os._exit(0 if well else 1)
"""


def test_two_ranks_equal_one_process_with_twice_the_batch(start: Start, tmp_path: Path) -> None:
    # 36 rows in steps of 16 end an epoch with 4 rows; with 3 epochs both kinds of step are met.
    changes: dict[str, Any] = {"max_steps": 7, "save_steps": 3, "eval_steps": 3}
    one = start("one", per_device_train_batch_size=4, **changes)
    recipe = {f: getattr(one.job.recipe, f) for f in one.job.recipe.__struct_fields__}
    recipe["per_device_train_batch_size"] = 2
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    two_ranks = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    done = subprocess.run(
        [sys.executable, "-c", _RANKS, str(tmp_path / "two"), json.dumps(recipe)],
        env={**os.environ, **two_ranks, "ACCELERATE_USE_CPU": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout

    # Adam forgives a wrong scale of the gradients; their norm does not.
    figures = json.loads((tmp_path / "two" / "figures.json").read_text())
    for (loss, norm), step in zip(figures, one.of(Step), strict=True):
        assert loss == pytest.approx(step.loss, rel=1e-4)
        assert norm == pytest.approx(step.grad_norm, rel=1e-3)
    two = load_file(tmp_path / "two" / "adapter" / "adapter_model.safetensors")
    for name, tensor in one.weights().items():
        torch.testing.assert_close(two[name], tensor, rtol=2e-2, atol=2e-3)
    checkpoint = sorted((tmp_path / "two" / "checkpoints").iterdir())[-1]
    assert {"random-00000.pt", "random-00001.pt"} <= {file.name for file in checkpoint.iterdir()}
