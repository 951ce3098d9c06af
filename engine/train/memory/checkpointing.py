"""Gradient checkpointing: activations are computed again in the backward pass instead of being kept."""

from __future__ import annotations

from peft import PeftModel
from transformers import PreTrainedModel


def possible(model: PeftModel) -> bool:
    """True where it can be switched on while the run goes on, and is not on already."""
    base = model.get_base_model()
    # Prefix tuning hands its tokens over as a cache, which layers that are computed twice cannot take.
    cached = any(config.peft_type == "PREFIX_TUNING" for config in model.peft_config.values())
    return bool(base.supports_gradient_checkpointing) and not cached and not is_on(model)


def is_on(model: PeftModel) -> bool:
    """True where layers compute again what they do not keep."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def switch_on(base: PreTrainedModel) -> None:
    """From now on; results stay the same, and a step takes about a third longer."""
    how = {"use_reentrant": False}
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs=how)
