"""The attention kernel is the recipe's where that can be, else the run says so and goes on."""

from __future__ import annotations

import pytest

from engine import events as ev
from tests.engine.train.conftest import Start

KERNELS = {"auto": "sdpa, packed", "sdpa": "sdpa, packed", "eager": "eager"}


@pytest.mark.parametrize(("wish", "kernel"), KERNELS.items())
def test_a_kernel_that_is_there_is_taken(start: Start, wish: str, kernel: str) -> None:
    run = start(attn_implementation=wish, max_steps=2)
    assert isinstance(run.end, ev.Finished)
    assert run.of(ev.Planned)[0].attention == kernel
    assert not [finding for finding in run.end.findings if "ttention" in finding.title]


@pytest.mark.parametrize("wish", ["flash_attention_2", "flex_attention"])
def test_a_kernel_that_is_not_there_is_told_of_and_another_taken(start: Start, wish: str) -> None:
    run = start(attn_implementation=wish, max_steps=2)
    assert isinstance(run.end, ev.Finished)
    assert run.of(ev.Planned)[0].attention == "sdpa, packed"
    [finding] = [finding for finding in run.end.findings if "ttention" in finding.title]
    assert wish in finding.title
    assert finding.patch is not None
    assert finding.patch.recipe == {"attn_implementation": "auto"}


def test_kernels_learn_the_same_to_rounding(start: Start) -> None:
    sdpa = start("sdpa", attn_implementation="sdpa")
    eager = start("eager", attn_implementation="eager")
    assert eager.losses == pytest.approx(sdpa.losses, rel=1e-4)
