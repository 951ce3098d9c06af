"""AdamW whose step the device itself skips when loss or gradient are not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from engine.recipe.recipe import Recipe
from engine.train.optimizers.groups import Group

_OF_THE_RECIPE: Final = ("lr", "betas", "eps", "weight_decay", "scale")


class GuardedAdamW:
    """Fused AdamW that leaves weights, moments and step counts alone in a broken step.

    The device decides, without a word to the host: `found_inf`, by which gradient scalers tell fused
    optimizers to pass over a step, is set from loss and gradient norm. Without a scaler, and for a loss
    that is not finite, one broken step holds back every later one too, because the host reads
    about it a step late. With a scaler (fp16), gradients that overflow are passed over one by one.
    """

    def __init__(self, groups: Sequence[Group], recipe: Recipe, device: torch.device) -> None:
        self.parameters = [parameter for group in groups for parameter in group.parameters]
        self.adamw = torch.optim.AdamW(
            [group.settings(recipe) for group in groups],
            lr=recipe.learning_rate,
            betas=(recipe.adam_beta1, recipe.adam_beta2),
            eps=recipe.adam_epsilon,
            fused=True,
        )
        self.scaler: torch.amp.GradScaler | None = None
        self._clip = recipe.max_grad_norm
        self._broken = torch.zeros((), dtype=torch.bool, device=device)

    def scale_for_fp16(self) -> None:
        """Scale losses so that small gradients survive fp16."""
        self.scaler = torch.amp.GradScaler(self._broken.device.type)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of `loss`."""
        scaled = self.scaler.scale(loss) if self.scaler else loss
        scaled.backward()  # type: ignore[no-untyped-call]

    def step(self, loss: torch.Tensor, rate: float) -> torch.Tensor:
        """Clip and step, unless `loss` (a scalar, of all ranks) or the gradient norm is not finite.

        Returns:
            (3,) on the device: loss, gradient norm before clipping, and 1 where the step was passed over.
        """
        if self.scaler:
            self.scaler.unscale_(self.adamw)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._clip > 0:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self._clip, norm)
        self._broken |= ~torch.isfinite(loss)
        if not self.scaler:
            self._broken |= ~torch.isfinite(norm)
        passed_over = (self._broken | ~torch.isfinite(norm)).float()
        for group in self.adamw.param_groups:
            group["lr"] = rate * group["scale"]
        self.adamw.found_inf = passed_over  # type: ignore[attr-defined]
        self.adamw.step()
        if self.scaler:
            self.scaler.update()
        self.adamw.zero_grad(set_to_none=True)
        return torch.stack([loss.detach().float(), norm.float(), passed_over])

    def discard(self) -> None:
        """Forget the gradients of a step that is begun anew."""
        self.adamw.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "adamw": self.adamw.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned; rates and the like stay those of the recipe."""
        own = [{name: group[name] for name in _OF_THE_RECIPE} for group in self.adamw.param_groups]
        self.adamw.load_state_dict(state["adamw"])
        for group, kept in zip(self.adamw.param_groups, own, strict=True):
            group.update(kept)
        if self.scaler and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
