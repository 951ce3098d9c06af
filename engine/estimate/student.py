"""The model of a recipe and its adapter with no content: shapes, and what autograd would keep of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from engine.data.refusal import Refusal
from engine.estimate.as_cuda import AsCuda
from engine.estimate.rows import lay_end_to_end
from engine.memory.facts import facts_in
from engine.memory.formula import CHUNK
from engine.memory.widths import widths
from engine.recipe.recipe import Recipe
from engine.train.methods.laying import fresh
from engine.train.model.student import Student

_NARROW = {"fp16": torch.float16, "bf16": torch.bfloat16, "auto": torch.bfloat16}


class HollowMachine:
    """Stands for a device, one rank of one; its tensors are fake ones of the CPU, whatever it stands for."""

    world, rank = 1, 0

    def __init__(self, recipe: Recipe, *, cuda: bool) -> None:
        self.device = torch.device("cpu")
        width = widths(recipe, cuda=cuda)
        self.compute = _NARROW[recipe.mixed_precision] if width.compute == 2 else torch.float32
        self.dtype = self.compute if width.weights == 2 else torch.float32
        self.scaled = self.compute == torch.float16
        self.cuda = cuda

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Inside, a forward pass is that of the machine it stands for."""
        narrow = self.compute != torch.float32
        autocast = torch.autocast("cpu", dtype=self.compute) if narrow else nullcontext()
        with autocast, AsCuda() if self.cuda else nullcontext():
            yield

    def again(self) -> tuple[AbstractContextManager[object], AbstractContextManager[object]]:
        """Around a block's forward pass, and around the one that checkpointing does in the backward pass."""
        return nullcontext(), AsCuda() if self.cuda else nullcontext()


def configured(config: dict[str, Any], depth: int | None = None) -> PretrainedConfig:
    """The configuration as transformers has it, with `depth` blocks instead of its own number.

    Raises:
        Refusal: a kind of model that transformers does not know by itself.
    """
    kind = str(config.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        raise Refusal("dependency_version", f"transformers knows no model of the kind {kind!r}.")
    made = CONFIG_MAPPING[kind].from_dict(copy.deepcopy(config))
    if depth is None:
        return made
    whole = made.num_hidden_layers
    for name, value in vars(made).items():
        if isinstance(value, list) and len(value) == whole:
            setattr(made, name, value[:depth])
    made.num_hidden_layers = depth
    return made


def hollow_student(recipe: Recipe, config: PretrainedConfig, machine: HollowMachine) -> Student:
    """The student that training would make of this; to be called, and used, inside a FakeTensorMode."""
    from torch._subclasses.fake_tensor import unset_fake_temporarily

    with unset_fake_temporarily(), torch.device("meta"):
        base = AutoModelForCausalLM.from_config(config, dtype=machine.dtype)
        base.config.use_cache = False
        if recipe.gradient_checkpointing:
            base.gradient_checkpointing_enable(
                gradient_checkpointing_kwargs={"use_reentrant": False, "context_fn": machine.again}
            )
        laid = fresh(base, recipe)
    _fill(laid.peft)
    student = Student(laid, recipe.max_length)
    student.labelled.chunk = CHUNK[machine.cuda]  # though its tensors are the CPU's
    student.packs = not laid.tokens_before and lay_end_to_end(base, facts_in(config.to_dict()))
    return student


def blocks_of(base: PreTrainedModel) -> list[nn.Module]:
    """The blocks of the decoder, from the first to the last."""
    depth = base.config.num_hidden_layers
    lists = (m for m in base.modules() if isinstance(m, nn.ModuleList) and len(m) == depth)
    return list(next(lists, []))


def _fill(model: nn.Module) -> None:
    """Put fake tensors in the place of those on `meta`; those that train are fp32."""
    made: dict[int, Any] = {}
    learnt = getattr(model, "prompt_tokens", {})  # peft keeps the numbers of learnt tokens in a plain dict
    learnt.update({name: torch.zeros(tokens.shape, dtype=tokens.dtype) for name, tokens in learnt.items()})
    for module in model.modules():
        for name, tensor, into in _tensors(module):
            if id(tensor) not in made:
                trains = tensor.requires_grad
                kind = torch.float32 if trains else tensor.dtype
                new = torch.empty(tensor.shape, dtype=kind)
                is_parameter = isinstance(tensor, nn.Parameter)
                made[id(tensor)] = nn.Parameter(new, requires_grad=trains) if is_parameter else new
            into[name] = made[id(tensor)]


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor, dict[str, Any]]]:
    for into in (module._parameters, module._buffers):
        for name, tensor in list(into.items()):
            if tensor is not None:
                yield name, tensor, into
