"""AdaLoRA's budget: between two steps ranks are taken from where they help least (arXiv 2303.10512)."""

from __future__ import annotations

from typing import Any, Final

import torch
from peft import AdaLoraModel
from torch import nn

from engine.train.session import Session

_KEY: Final = "adalora"
_FIRST, _LAST = 0.1, 0.3
"""Shares of the steps before the first rank is taken and after the last: about the middle of the paper's."""
_TIMES: Final = 50
"""How often ranks are taken."""
_ALLOCATOR: Final = ("ipt", "exp_avg_ipt", "exp_avg_unc")


def attend(session: Session) -> None:
    """Have the optimizer's steps followed by the budget; does nothing for any other method."""
    tuner = _tuner(session.student.peft)
    if tuner is None:
        return
    config, steps = tuner.peft_config["default"], session.steps
    config.total_step, config.tinit, config.tfinal = steps, int(_FIRST * steps), int(_LAST * steps)
    config.deltaT = max(steps // _TIMES, 1)
    weight = config.orth_reg_weight

    def before(*_: Any) -> None:
        with torch.enable_grad():
            (weight * _crookedness(tuner)).backward()

    def after(*_: Any) -> None:
        # What overflowed tells nothing of any rank, and its NaN would stay in the importance for good.
        if session.optimizer.scaler and bool(session.optimizer.optimizer.found_inf):  # type: ignore[attr-defined]
            torch._foreach_zero_([p.grad for p in session.optimizer.parameters if p.grad is not None])
        tuner.update_and_allocate(session.step)

    session.optimizer.optimizer.register_step_pre_hook(before)
    session.optimizer.optimizer.register_step_post_hook(after)


def state(model: nn.Module) -> dict[str, Any]:
    """What the budget knows, to be kept in a checkpoint; empty for any other method."""
    tuner = _tuner(model)
    if tuner is None:
        return {}
    known = {name: getattr(tuner.rankallocator, name) for name in _ALLOCATOR}
    return {_KEY: known | {"rank_pattern": tuner.peft_config["default"].rank_pattern}}


def restore(model: nn.Module, saved: dict[str, Any]) -> None:
    """Take back what `state` gave."""
    tuner = _tuner(model)
    if tuner is None or _KEY not in saved:
        return
    device = next(tuner.parameters()).device
    for name in _ALLOCATOR:
        known = {key: tensor.to(device) for key, tensor in saved[_KEY][name].items()}
        setattr(tuner.rankallocator, name, known)
    tuner.peft_config["default"].rank_pattern = saved[_KEY]["rank_pattern"]


def _tuner(model: nn.Module) -> Any:
    tuner = getattr(model, "base_model", None)
    return tuner if isinstance(tuner, AdaLoraModel) else None


def _crookedness(tuner: nn.Module) -> torch.Tensor:
    """How far the A and B matrices are from orthogonal ones, in the mean: peft adds it to its own loss."""
    found = []
    for name, matrix in tuner.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            gram = matrix @ matrix.T if "lora_A" in name else matrix.T @ matrix
            found.append(torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)))
    return torch.stack(found).mean()
