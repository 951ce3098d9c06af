"""Methods that learn tokens before each row in place of weights: prompt tuning and prefix tuning."""

from __future__ import annotations

from typing import Any

import torch
from peft import PeftModel, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from peft.tuners.prompt_tuning import PromptTuningInit
from torch import nn
from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.recipe.recipe import Recipe

_WITHOUT_EMBEDDINGS = frozenset({"mpt"})
"""Models whose forward takes no embeddings in place of ids."""
_WITHOUT_CACHE = frozenset({"mpt", "bloom"})
"""Models whose attention bias counts no keys before the row."""


def lay_prompt(base: PreTrainedModel, recipe: Recipe) -> PeftModel:
    """Embeddings before each row, drawn from those of the vocabulary (arXiv 2104.08691)."""
    _possible(base, _WITHOUT_EMBEDDINGS, "prompt")
    config = PromptTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=recipe.num_virtual_tokens,
        # Where embeddings are projected to the model's width, as in OPT-350m, they have one of their own.
        token_dim=int(base.get_input_embeddings().weight.shape[1]),
        prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,
    )
    return get_peft_model(base, config)


def lay_prefix(base: PreTrainedModel, recipe: Recipe) -> PeftModel:
    """Keys and values before each row, in every layer (arXiv 2101.00190)."""
    _possible(base, _WITHOUT_CACHE, "prefix")
    return get_peft_model(
        base, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=recipe.num_virtual_tokens)
    )


def hide_prompt(model: PeftModel) -> None:
    """Take the learnt tokens from what reaches the head: logits are those of the row, as with any method."""
    base = model.get_base_model()
    tokens = int(model.peft_config["default"].num_virtual_tokens)
    prompted = [False]

    def remember(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        prompted[0] = given.get("inputs_embeds") is not None

    def cut(_: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        return (args[0][:, tokens:], *args[1:]) if prompted[0] else None

    base.register_forward_pre_hook(remember, with_kwargs=True)
    base.get_output_embeddings().register_forward_pre_hook(cut)


def _possible(base: PreTrainedModel, kinds: frozenset[str], method: str) -> None:
    kind = str(base.config.model_type)
    if kind not in kinds:
        return
    raise Refusal(
        "dependency_version",
        f"method: {method} does not work with {kind} models.",
        where="recipe: method",
        why="transformers' own code for them takes no learnt tokens before a row.",
        do="Set method: lora.",
    )
