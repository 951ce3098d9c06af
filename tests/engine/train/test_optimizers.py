"""Each optimizer learns, changes nothing in a broken step, and goes on bit for bit."""

from __future__ import annotations

import copy
import math
from io import BytesIO
from typing import Any

import pytest
import torch

from engine import events as ev
from engine.recipe.fields import field_named
from engine.recipe.recipe import Recipe
from engine.train.optimizers.groups import Group
from engine.train.optimizers.guarded import GuardedOptimizer
from engine.train.optimizers.kinds import KINDS
from tests.engine.train.conftest import Start

RATES = {"sgd": 0.2, "lion_32bit": 0.03, "lion_8bit": 0.03}
each = pytest.mark.parametrize("name", KINDS)
TARGET = torch.linspace(-1, 1, 128 * 64).reshape(128, 64)
"""Of 8,192 numbers: bitsandbytes keeps moments of fewer than 4,096 in 32 bits."""


@pytest.fixture(autouse=True)
def _bitsandbytes() -> None:
    pytest.importorskip("bitsandbytes")


def made(name: str) -> tuple[torch.nn.Parameter, GuardedOptimizer]:
    parameter = torch.nn.Parameter(torch.zeros(128, 64))
    recipe = Recipe(model="m", data="d", optim=name, weight_decay=0.01, max_grad_norm=0.0)
    return parameter, GuardedOptimizer([Group([parameter])], recipe, torch.device("cpu"))


def step(
    name: str, parameter: torch.nn.Parameter, guarded: GuardedOptimizer, factor: float = 1.0
) -> list[float]:
    loss = (parameter - TARGET).square().sum() * factor
    guarded.backward(loss)
    figures: list[float] = guarded.step(loss.detach(), RATES.get(name, 0.05)).tolist()
    return figures


def everything(parameter: torch.nn.Parameter, guarded: GuardedOptimizer) -> list[Any]:
    """The weights and all that the next step depends on, as values that can be compared."""
    state = copy.deepcopy(guarded.state()["optimizer"]["state"])
    return [parameter.detach().clone(), *_flat(state)]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [item for key in value for item in (key, *_flat(value[key]))]
    return [value]


def same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(one, other, strict=True)
    )


def test_each_choice_of_the_recipe_has_its_optimizer() -> None:
    field = field_named("optim")
    assert field is not None
    assert tuple(KINDS) == field.choices
    assert set(field.spelt.values()) <= set(KINDS)


@each
def test_it_comes_nearer_to_its_target(name: str) -> None:
    parameter, guarded = made(name)
    losses = [step(name, parameter, guarded)[0] for _ in range(12)]
    assert losses[-1] < losses[0] / 2


@each
@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_broken_step_changes_nothing_and_holds_back_the_next(name: str, factor: float) -> None:
    parameter, guarded = made(name)
    step(name, parameter, guarded)
    before = everything(parameter, guarded)
    assert step(name, parameter, guarded, factor)[2] == 1
    assert step(name, parameter, guarded)[2] == 1
    assert same(before, everything(parameter, guarded))


@each
def test_with_a_scaler_only_the_step_that_overflows_is_passed_over(name: str) -> None:
    parameter, guarded = made(name)
    guarded.scale_for_fp16()
    step(name, parameter, guarded)
    before = everything(parameter, guarded)
    guarded.backward((parameter * math.inf).sum())
    assert guarded.step(torch.tensor(1.0), 0.1)[2] == 1
    assert same(before, everything(parameter, guarded))
    assert step(name, parameter, guarded)[2] == 0
    assert not same(before, everything(parameter, guarded))


@each
def test_a_state_that_was_on_disk_goes_on_bit_for_bit(name: str) -> None:
    parameter, guarded = made(name)
    for _ in range(3):
        step(name, parameter, guarded)
    file = BytesIO()
    torch.save(guarded.state(), file)
    file.seek(0)
    other, again = made(name)
    other.data.copy_(parameter.data)
    again.restore(torch.load(file, weights_only=True))
    for _ in range(2):
        step(name, parameter, guarded)
        step(name, other, again)
    assert same(everything(parameter, guarded), everything(other, again))


def test_moments_in_8_bits_take_a_quarter_of_the_memory() -> None:
    def held(name: str) -> int:
        parameter, guarded = made(name)
        step(name, parameter, guarded)
        state = guarded.optimizer.state[parameter]
        return sum(t.numel() * t.element_size() for key, t in state.items() if str(key).startswith("state"))

    assert 2 * parameter_bytes() == held("paged_adamw_32bit") == 4 * held("adamw_8bit")
    assert held("adamw_8bit") == held("paged_adamw_8bit") == 2 * held("lion_8bit")


def parameter_bytes() -> int:
    return TARGET.numel() * TARGET.element_size()


def test_a_checkpoint_of_an_earlier_version_is_read() -> None:
    parameter, guarded = made("adamw_torch")
    step("adamw_torch", parameter, guarded)
    old = guarded.state()
    old["adamw"] = old.pop("optimizer")
    other, again = made("adamw_torch")
    again.restore(copy.deepcopy(old))
    other.data.copy_(parameter.data)
    assert same(everything(parameter, guarded), everything(other, again))


@pytest.mark.parametrize("name", ["paged_adamw_8bit", "adafactor"])
def test_a_run_with_it_goes_on_bit_for_bit(start: Start, name: str) -> None:
    changes: dict[str, Any] = {"optim": name, "max_steps": 6}
    whole = start("whole", **changes)
    assert isinstance(whole.end, ev.Finished)
    assert whole.of(ev.Planned)[0].optimizer == name
    start("cut", (3, "interrupt"), **changes)
    again = start("cut", **changes)
    assert isinstance(again.end, ev.Finished)
    assert all(torch.equal(again.weights()[key], tensor) for key, tensor in whole.weights().items())
    titles = [finding.title for finding in whole.end.findings]
    assert ("On a CPU the optimizer's moments are not paged" in titles) == name.startswith("paged")
