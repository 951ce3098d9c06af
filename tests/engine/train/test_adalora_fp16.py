"""AdaLoRA's budget beside a scaler that passes over steps."""

from __future__ import annotations

import pytest
import torch

from engine import events as ev
from engine import faults
from tests.engine.train.conftest import Start


def test_ranks_are_taken_after_a_step_that_overflowed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflowing(loss: torch.Tensor, step: int, rows: object) -> torch.Tensor:
        return loss * (1e9 if step == 3 else 1.0)

    monkeypatch.setattr(faults, "micro_batch", overflowing)
    run = start(method="adalora", mixed_precision="fp16", max_steps=40, warmup_ratio=0.0)
    assert isinstance(run.end, ev.Finished), run.end
    assert [event.step for event in run.of(ev.Step) if event.grad_norm is None] == [3]
    taken = sum(int((tensor == 0).sum()) for name, tensor in run.weights().items() if "lora_E" in name)
    assert taken > 0
