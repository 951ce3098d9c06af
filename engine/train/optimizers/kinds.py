"""The optimizers that a recipe can name, and which of them the device itself can hold back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch.optim import Optimizer

from engine.recipe.recipe import Recipe
from engine.train.optimizers.groups import Group

Settings = list[dict[str, Any]]
"""Settings of parameters with their settings, as torch's optimizers take them."""


class Kind(NamedTuple):
    """One optimizer."""

    build: Callable[[Settings, Recipe], Optimizer]
    heeds: bool
    """It leaves everything alone where `found_inf` is set, so that the host need not look before a step."""


def optimizer_of(recipe: Recipe, groups: Sequence[Group]) -> tuple[Optimizer, bool]:
    """The recipe's optimizer over `groups`, and whether it heeds `found_inf`."""
    kind = KINDS[recipe.optim]
    return kind.build([group.settings(recipe) for group in groups], recipe), kind.heeds


def _adamw(groups: Settings, recipe: Recipe) -> Optimizer:
    return torch.optim.AdamW(
        groups,
        lr=recipe.learning_rate,
        betas=(recipe.adam_beta1, recipe.adam_beta2),
        eps=recipe.adam_epsilon,
        fused=True,
    )


def _sgd(groups: Settings, recipe: Recipe) -> Optimizer:
    return torch.optim.SGD(groups, lr=recipe.learning_rate, fused=True)


def _adafactor(groups: Settings, recipe: Recipe) -> Optimizer:
    """With the recipe's own rates, as transformers' Trainer has it."""
    from transformers import Adafactor

    found: Optimizer = Adafactor(
        groups,
        lr=recipe.learning_rate,
        scale_parameter=False,
        relative_step=False,
    )
    return found


def _bnb_adamw(bits: int, *, paged: bool = False) -> Callable[[Settings, Recipe], Optimizer]:
    def build(groups: Settings, recipe: Recipe) -> Optimizer:
        from bitsandbytes.optim import AdamW

        # On a CPU nothing is paged, which a finding tells.
        warnings.filterwarnings("ignore", message="Paged optimizers are not supported on CPU")
        found: Optimizer = AdamW(
            groups,
            lr=recipe.learning_rate,
            betas=(recipe.adam_beta1, recipe.adam_beta2),
            eps=recipe.adam_epsilon,
            optim_bits=bits,
            is_paged=paged,
        )
        return found

    return build


def _lion(bits: int) -> Callable[[Settings, Recipe], Optimizer]:
    def build(groups: Settings, recipe: Recipe) -> Optimizer:
        from bitsandbytes.optim import Lion

        found: Optimizer = Lion(
            groups,
            lr=recipe.learning_rate,
            betas=(recipe.adam_beta1, recipe.adam_beta2),
            optim_bits=bits,
        )
        return found

    return build


KINDS: Final[dict[str, Kind]] = {
    "adamw_torch": Kind(_adamw, heeds=True),
    "adamw_8bit": Kind(_bnb_adamw(8), heeds=False),
    "paged_adamw_32bit": Kind(_bnb_adamw(32, paged=True), heeds=False),
    "paged_adamw_8bit": Kind(_bnb_adamw(8, paged=True), heeds=False),
    "lion_32bit": Kind(_lion(32), heeds=False),
    "lion_8bit": Kind(_lion(8), heeds=False),
    "adafactor": Kind(_adafactor, heeds=False),
    "sgd": Kind(_sgd, heeds=True),
}
"""By the recipe's `optim`; the names are transformers'."""
