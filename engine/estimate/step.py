"""One step of training and one of evaluation, with no content, and what was alive meanwhile."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import msgspec
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import PreTrainedModel

from engine.estimate.as_cuda import AsCuda
from engine.estimate.live import LiveBytes
from engine.estimate.student import HollowMachine, configured, hollow_student
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import Micro
from engine.train.looking.evaluate import at_rest
from engine.train.model.student import Student
from engine.train.objectives.loss import summed_loss
from engine.train.optimizers.groups import groups_of
from engine.train.optimizers.guarded import GuardedOptimizer


def run_step(recipe: Recipe, config: dict[str, Any], *, depth: int | None, cuda: bool) -> LiveBytes:
    """Go through a step of `recipe` with a micro-batch of the longest rows, then through an evaluation."""
    machine, live = HollowMachine(recipe, cuda=cuda), LiveBytes()
    with FakeTensorMode():
        student = hollow_student(recipe, configured(config, depth), machine)
        with live, AsCuda() if cuda else nullcontext():
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
        rows, length = recipe.per_device_train_batch_size, recipe.max_length
        pieces = min(recipe.gradient_accumulation_steps, 2)
        # The first step makes what the optimizer keeps; the second has all that any later one has.
        for micros in ([_micro(1, 8)], [_micro(rows, length)] * pieces):
            total = torch.zeros(())
            for micro in micros:
                total += _learnt(student, optimizer, machine, micro, live)
            with live.doing("step", "optimizer"):
                optimizer.step(total, recipe.learning_rate)
        with live.doing("evaluation", "evaluation"), at_rest(student.peft), machine.autocast():
            summed_loss(student.peft, student.labelled, _micro(rows, length))


def _learnt(
    student: Student, optimizer: GuardedOptimizer, machine: HollowMachine, micro: Micro, live: LiveBytes
) -> torch.Tensor:
    with live.doing("forward", "activations"):
        with machine.autocast():
            loss = summed_loss(student.peft, student.labelled, micro) / micro.targets.numel()
        live.moment = "loss backward"
        optimizer.backward(loss)
    return loss.detach()


def _micro(rows: int, length: int) -> Micro:
    """Rows of which the shortest is padded, with a label wherever there can be one."""
    return Micro(
        ids=torch.zeros((rows, length), dtype=torch.int64),
        attention=torch.ones((rows, length), dtype=torch.int64) if rows > 1 else None,
        keep=torch.zeros(rows * (length - 1), dtype=torch.int64),
        targets=torch.zeros(rows * (length - 1), dtype=torch.int64),
    )


def _mark(student: Student, live: LiveBytes) -> None:
    """Say at each block what is being done, and of each gradient that it is one."""
    for parameter in student.parameters:
        parameter.register_post_accumulate_grad_hook(lambda p: live.belongs(p.grad, "gradients"))
    blocks = _blocks(student.peft.get_base_model())
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


def _blocks(base: PreTrainedModel) -> list[nn.Module]:
    """The blocks of the decoder, from the first to the last."""
    depth = base.config.num_hidden_layers
    lists = (m for m in base.modules() if isinstance(m, nn.ModuleList) and len(m) == depth)
    return list(next(lists, []))
