"""NEFTune beside methods that make the embeddings before the model hears of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine import events as ev
from tests.engine.train.conftest import Start


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_noise_goes_by_the_rows_at_hand(start: Start, rows: Path, tmp_path: Path, method: str) -> None:
    """Batches of 3, 3 and 1 rows, and a resume after which there is no batch before."""
    few = tmp_path / "few.jsonl"
    few.write_text("".join(rows.read_text().splitlines(keepends=True)[:7]))
    changes: dict[str, Any] = {"data": str(few), "eval_split": 0.0, "max_steps": 6}
    changes |= {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 1}
    changes |= {"method": method, "num_virtual_tokens": 3, "neftune_noise_alpha": 5.0}
    whole = start("whole", **changes)
    assert isinstance(whole.end, ev.Finished), whole.end
    start("broken", (2, "interrupt"), **changes)
    again = start("broken", **changes).weights()
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.weights().items())
