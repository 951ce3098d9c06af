"""One step of training and one of evaluation, with no content, and what was alive meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from engine.estimate.live import LiveBytes
from engine.estimate.rows import longest
from engine.estimate.student import HollowMachine, blocks_of, configured, hollow_student
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import Micro
from engine.train.looking.evaluate import at_rest
from engine.train.model.student import Student
from engine.train.objectives.choice import objective_of
from engine.train.objectives.objective import Objective
from engine.train.optimizers.groups import groups_of
from engine.train.optimizers.guarded import GuardedOptimizer


def run_step(recipe: Recipe, config: dict[str, Any], *, depth: int | None, cuda: bool) -> LiveBytes:
    """Go through a step of `recipe` with a micro-batch of the longest rows, then through an evaluation."""
    machine, live = HollowMachine(recipe, cuda=cuda), LiveBytes()
    with FakeTensorMode():
        student = hollow_student(recipe, configured(config, depth), machine)
        with live:
            _go_through(recipe, student, machine, live)
    return live


def _go_through(recipe: Recipe, student: Student, machine: HollowMachine, live: LiveBytes) -> None:
    with live.doing("opening", "weights"):
        for tensor in (*student.peft.parameters(), *student.peft.buffers()):
            live.belongs(tensor, "adapter" if tensor.requires_grad else "weights")
    _mark(student, live)
    # The kernels of other optimizers have no fake form; what they keep is known from their widths.
    plain = msgspec.structs.replace(recipe, optim="adamw_torch")
    optimizer = GuardedOptimizer(groups_of(student.peft, recipe), plain, machine.device)
    if machine.scaled:
        optimizer.scale_for_fp16()
    objective, micro = objective_of(recipe), longest(recipe, packs=student.packs)
    _take_a_step(student, optimizer, live)
    if recipe.gradient_accumulation_steps > 1:
        _have_gradients(student, live)
    total = _learnt(student, objective, optimizer, machine, micro, live)
    with live.doing("step", "optimizer"):
        optimizer.step(total, recipe.learning_rate)
    with live.doing("evaluation", "evaluation"), at_rest(student.peft), machine.computing():
        objective.summed(student.peft, student.labelled, micro)


def _take_a_step(student: Student, optimizer: GuardedOptimizer, live: LiveBytes) -> None:
    """What the optimizer keeps of each parameter is there from the first step on."""
    _have_gradients(student, live)
    with live.doing("opening", "optimizer"):
        optimizer.step(torch.zeros(()), 0.0)


def _have_gradients(student: Student, live: LiveBytes) -> None:
    """As they are after the first of several micro-batches."""
    with live.doing("opening", "gradients"):
        for parameter in student.parameters:
            parameter.grad = torch.empty_like(parameter)


def _learnt(
    student: Student,
    objective: Objective,
    optimizer: GuardedOptimizer,
    machine: HollowMachine,
    micro: Micro,
    live: LiveBytes,
) -> torch.Tensor:
    with live.doing("forward", "activations"):
        with machine.computing():
            loss = objective.summed(student.peft, student.labelled, micro).loss / micro.targets.numel()
        live.moment = "loss backward"
        optimizer.backward(loss)
    return loss.detach()


def _mark(student: Student, live: LiveBytes) -> None:
    """Say at each block what is being done, and of each gradient that it is one."""
    for parameter in student.parameters:
        parameter.register_post_accumulate_grad_hook(lambda p: live.belongs(p.grad, "gradients"))
    blocks = blocks_of(student.peft.get_base_model())
    for at, block in enumerate(blocks):
        upper = 2 * at >= len(blocks)
        block.register_forward_hook(
            lambda module, args, out, upper=upper, last=block is blocks[-1]: _passed(
                live, out, upper=upper, last=last
            )
        )


def _passed(live: LiveBytes, out: Any, *, upper: bool, last: bool) -> None:
    if live.moment != "forward":
        return
    hidden = out[0] if isinstance(out, tuple) else out
    half = "backward, upper half" if upper else "backward, lower half"

    def back(gradient: torch.Tensor) -> None:
        live.moment, live.part = half, "activations"

    if hidden.requires_grad:
        hidden.register_hook(back)
    if last:
        live.moment, live.part = "loss", "logits"
