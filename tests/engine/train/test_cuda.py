"""The same promises on a CUDA device; skipped where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch

from engine import events as ev
from engine.job import Job
from engine.telemetry.gpu import gpus
from tests.engine.train.conftest import Run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def _run(job: Callable[..., Job], name: str = "run", **changes: Any) -> Run:
    return Run(msgspec.structs.replace(job(name, **changes), device="cuda:0"))


@pytest.mark.parametrize("precision", ["auto", "no", "fp16"])
def test_a_run_learns_and_its_adapter_is_verified(job: Callable[..., Job], precision: str) -> None:
    run = _run(job, max_steps=30, mixed_precision=precision)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0]
    assert run.of(ev.Planned)[0].device.startswith("cuda")


def test_a_run_on_the_card_learns_what_a_run_on_the_cpu_learns(job: Callable[..., Job]) -> None:
    card = _run(job, "card", mixed_precision="no")
    cpu = Run(job("cpu", mixed_precision="no"))
    assert card.losses == pytest.approx(cpu.losses, rel=1e-3)


def test_a_broken_step_is_read_a_step_late_and_ends_the_run(
    job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.train.objectives import supervised
    from engine.train.objectives.loss import summed_loss

    seen: list[int] = []

    def broken(*args: Any) -> torch.Tensor:
        seen.append(1)
        return summed_loss(*args) * (math.nan if len(seen) > 8 else 1.0)

    monkeypatch.setattr(supervised, "summed_loss", broken)
    run = _run(job, max_steps=50, mixed_precision="no")
    assert isinstance(run.end, ev.Failed)
    assert any(finding.category == "nan_or_inf" for finding in run.end.findings)
    assert run.end.adapter is None


def test_nvml_sees_the_card() -> None:
    card = gpus()[0]
    assert card.total > card.used > 0
    assert card.name
