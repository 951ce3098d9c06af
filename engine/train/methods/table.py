"""The methods: how each is laid on a model, and what of it has to have moved at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from peft import PeftModel
from transformers import PreTrainedModel

from engine.recipe.recipe import Recipe
from engine.train.methods import further, lora, prompts
from engine.train.methods.lora import Ground
from engine.train.methods.targets import Targets
from engine.train.methods.whole import Whole, lay_whole

Tuned: TypeAlias = PeftModel | Whole
"""A model and what of it learns."""


class Lay(NamedTuple):
    """A model as a method has made it."""

    model: Tuned
    targets: list[str] = []  # noqa: RUF012 (a tuple's default is shared and never changed)
    """Names of the layers that carry it, as peft matches them."""
    notes: list[str] = []  # noqa: RUF012
    """What a person should know of the choice."""


class Method(NamedTuple):
    """One way to tune a model."""

    lay: Callable[[PreTrainedModel, Recipe, Ground | None], Lay]
    """On the base, by the recipe; draws from torch's random numbers. Without ground only shapes count."""
    each: re.Pattern[str] | None = None
    """Names of tensors each of which has to move: where one does not, its layer learnt nothing."""


def _lora(base: PreTrainedModel, recipe: Recipe, ground: Ground | None) -> Lay:
    targets = further.targets_of(base, recipe)
    model, said = lora.lay(base, recipe, targets, ground)
    return Lay(model, targets.names, [note for note in (targets.note, said) if note])


def _on_layers(lay: Callable[[PreTrainedModel, Recipe], tuple[PeftModel, Targets]]) -> Method:
    def laid(base: PreTrainedModel, recipe: Recipe, _: Ground | None) -> Lay:
        model, targets = lay(base, recipe)
        return Lay(model, targets.names, [targets.note] if targets.note else [])

    return Method(laid)


def _before_rows(lay: Callable[[PreTrainedModel, Recipe], PeftModel]) -> Method:
    def laid(base: PreTrainedModel, recipe: Recipe, _: Ground | None) -> Lay:
        model = lay(base, recipe)
        prompts.hide_prompt(model)
        return Lay(model)

    return Method(laid)


METHODS: Final[dict[str, Method]] = {
    "lora": Method(_lora, re.compile(r"lora_(embedding_)?B")),
    "adalora": _on_layers(further.lay_adalora),
    "vera": _on_layers(further.lay_vera)._replace(each=re.compile("vera_lambda_b")),
    "ia3": _on_layers(further.lay_ia3)._replace(each=re.compile("ia3_l")),
    "prompt": _before_rows(prompts.lay_prompt),
    "prefix": _before_rows(prompts.lay_prefix),
    "bitfit": _on_layers(further.lay_bitfit),
    "full": Method(lambda base, recipe, ground: Lay(lay_whole(base))),
}
"""By the recipe's `method`; of a method without `each`, something has to move."""
OF_PEFT: Final = {
    "LORA": "lora", "ADALORA": "adalora", "VERA": "vera", "IA3": "ia3", "PROMPT_TUNING": "prompt",
    "PREFIX_TUNING": "prefix",
}  # fmt: skip
"""The same by peft's names; a LoRA with all biases is BitFit."""


def method_of(model: Tuned) -> str:
    """The name of the method that `model` is tuned by, whoever laid it."""
    if isinstance(model, Whole):
        return "full"
    config = model.peft_config["default"]
    if getattr(config, "bias", "none") == "all":
        return "bitfit"
    return OF_PEFT[str(getattr(config.peft_type, "value", config.peft_type))]
