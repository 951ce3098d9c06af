"""The longest micro-batch of a recipe, with no content: as it is laid out, and as its objective takes it."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from transformers import PreTrainedModel

from engine.memory.facts import Facts
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import Micro
from engine.train.kernels.packed_attention import takes_lengths


def lay_end_to_end(base: PreTrainedModel, facts: Facts | None) -> bool:
    """Give `base` the attention that takes rows end to end, where training would; whether it did.

    Training proves it by figures, and there are none here. A bias by position is what stands against it.
    """
    if facts is None or facts.alibi or facts.plain:
        return False
    return takes_lengths(base)


def longest(recipe: Recipe, *, packs: bool) -> Micro:
    """Rows of `max_length` tokens up to the budget, all of them learnt; a pair is two of them."""
    rows, length = recipe.per_device_train_batch_size, recipe.max_length
    if recipe.objective != "sft":
        rows = max(rows - rows % 2, 2)
    labels = rows * (length - 1)
    pairs = {}
    if recipe.objective != "sft":
        pairs = {"sequence": torch.zeros(labels, dtype=torch.int64), "reference": torch.zeros(rows)}
    shape = (1, rows * length) if packs else (rows, length)
    return Micro(
        ids=torch.zeros(shape, dtype=torch.int64),
        attention=_lengths([length] * rows) if packs else _mask(rows, length),
        keep=torch.zeros(labels, dtype=torch.int64),
        targets=torch.zeros(labels, dtype=torch.int64),
        positions=torch.zeros(shape, dtype=torch.int64) if packs else None,
        sequences=rows,
        **pairs,
    )


def _mask(rows: int, length: int) -> torch.Tensor | None:
    """Of rows of which the shortest is padded; one alone is not."""
    return torch.ones((rows, length), dtype=torch.int64) if rows > 1 else None


def _lengths(lengths: list[int]) -> torch.Tensor:
    """As training hands them to attention, which reads them; a fake tensor has nothing to be read."""
    mask = torch.zeros((1, 1, 1, len(lengths)), dtype=torch.int32)
    told = SimpleNamespace(tolist=lambda: lengths)
    mask.flatten = lambda: told  # type: ignore[method-assign, assignment, misc]
    return mask
