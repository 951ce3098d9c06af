"""A causal language model with the adapter that it learns, whatever its architecture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import torch

from engine.data.dataset import Dataset
from engine.data.refusal import Refusal
from engine.job import Job
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import PADDED, Collator, Micro
from engine.train.kernels import activation, lora
from engine.train.kernels.packed_attention import can_pack
from engine.train.machine import Machine
from engine.train.methods.laying import Laid, continued, fresh
from engine.train.methods.lora import Ground
from engine.train.methods.merging import Factors, merged
from engine.train.methods.noise import add_noise
from engine.train.model.folder import model_folder
from engine.train.model.load import base_model
from engine.train.model.quantise import elements
from engine.train.objectives.loss import LabelledOnly

_LOOKED_AT: Final = 64
"""Micro-batches for a start that looks at the data; it ends earlier where it has seen enough."""


class Student:
    """The model that learns.

    Attributes:
        peft: model and adapter.
        laid: where the adapter is, and what a person should know of it.
        packs: True where its rows may lie end to end.
        labelled: computes logits where there are labels.
        parameters: those that train, fp32.
    """

    def __init__(self, laid: Laid, longest: int) -> None:
        """Take the model over; `longest` is the most tokens that a row may have."""
        self.laid, self.peft = laid, laid.peft
        # transformers loads a model at rest, where it would keep its activations and drop nothing.
        self.peft.train()
        base = self.peft.get_base_model()
        lora.fuse(self.peft)
        activation.fuse(base)
        self.packs = not laid.tokens_before and can_pack(base, longest)
        self.labelled = LabelledOnly(base.get_output_embeddings())
        self.labelled.prove(base)
        self.parameters = [p for p in self.peft.parameters() if p.requires_grad]
        if not self.parameters:
            raise Refusal(
                "no_trainable_params_or_grad",
                "Nothing in the model can be trained.",
                why="The adapter has no trainable parameters.",
                do="Check target_modules and the adapter to start from.",
            )

    @property
    def counts(self) -> tuple[int, int]:
        """Parameters that train, and all."""
        return sum(map(elements, self.parameters)), sum(map(elements, self.peft.parameters()))


def student_of(
    job: Job,
    machine: Machine,
    checkpoint: Path | None = None,
    *,
    data: Dataset | None = None,
    trust: bool = False,
) -> Student:
    """The recipe's model with a fresh adapter drawn from the recipe's seed, or the one it starts from.

    A run that started from an adapter goes on from its own `checkpoint`, whatever became of the other.
    Some starts look at the `data`. With `trust` the model's own code may run.
    """
    recipe = job.recipe
    loaded = base_model(job, machine, trust=trust)
    base, start = loaded.model, None
    factors: Factors | None = None
    if recipe.adapter and recipe.merge_adapter:
        base, factors = merged(base, Path(recipe.adapter), job.folder, keeps=machine.rank == 0)
    elif recipe.adapter:
        start = checkpoint or Path(recipe.adapter)
    torch.manual_seed(recipe.seed)
    ground = Ground(model_folder(job), lambda: _some(recipe, machine, data), checkpoint)
    laid = continued(base, start, recipe) if start else fresh(base, recipe, ground)
    laid = laid._replace(findings=[*loaded.findings, *laid.findings], merged=factors)
    if recipe.neftune_noise_alpha > 0:
        add_noise(laid.peft, base, recipe.neftune_noise_alpha)
    for parameter in laid.peft.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    # Who loads the adapter by peft's Auto classes gets the base at the commit that it was trained on.
    for config in laid.peft.peft_config.values():
        config.revision = job.revision
    student = Student(laid, recipe.max_length)
    machine.begin_alike(student.parameters)
    return student


def _some(recipe: Recipe, machine: Machine, data: Dataset | None) -> Iterator[Micro]:
    """Micro-batches of rows at random, as many as a start may look at."""
    if data is None:
        return
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(recipe.seed)).tolist()
    size = recipe.per_device_train_batch_size
    collator = Collator(data, 0, machine.device, PADDED)
    for piece in islice((order[at : at + size] for at in range(0, len(order), size)), _LOOKED_AT):
        yield collator.micro(piece)
