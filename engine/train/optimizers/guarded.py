"""An optimizer that changes nothing in a step whose loss or gradient is not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from engine.findings import Finding, Patch
from engine.recipe.recipe import Recipe
from engine.train.optimizers.groups import Group
from engine.train.optimizers.kinds import optimizer_of
from engine.train.optimizers.states import restored, saved

_OF_THE_RECIPE: Final = ("lr", "betas", "eps", "weight_decay", "scale")


class GuardedOptimizer:
    """The recipe's optimizer, which leaves weights, moments and step counts alone in a broken step.

    Those that are fused take `found_inf`, by which gradient scalers tell them to pass over a step: it is
    set from loss and gradient norm, and the device decides without a word to the host. Before a step
    of any other the host looks, which is `waits`. Without a scaler, and for a loss that is not finite, one
    broken step holds back every later one too, because the host reads about it a step late. With a
    scaler (fp16), gradients that overflow are passed over one by one.

    Attributes:
        waits: the host waits for the device once in each step.
        findings: what was wished of the optimizer and is not granted.
    """

    def __init__(self, groups: Sequence[Group], recipe: Recipe, device: torch.device) -> None:
        self.parameters = [parameter for group in groups for parameter in group.parameters]
        self.optimizer, heeds = optimizer_of(recipe, groups)
        self.waits = not heeds
        self.findings = [_unpaged(recipe)] if "paged" in recipe.optim and device.type == "cpu" else []
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
            self.scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._clip > 0:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self._clip, norm)
        self._broken |= ~torch.isfinite(loss)
        if not self.scaler:
            self._broken |= ~torch.isfinite(norm)
        passed_over = (self._broken | ~torch.isfinite(norm)).float()
        self._change(rate, passed_over)
        if self.scaler:
            self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return torch.stack([loss.detach().float(), norm.float(), passed_over])

    def _change(self, rate: float, passed_over: torch.Tensor) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        if self.waits and passed_over:
            return
        self.optimizer.found_inf = passed_over  # type: ignore[attr-defined]
        self.optimizer.step()

    def discard(self) -> None:
        """Forget the gradients of a step that is begun anew."""
        self.optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "optimizer": saved(self.optimizer),
            "scaler": self.scaler.state_dict() if self.scaler else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned; rates and the like stay those of the recipe."""
        self._broken.zero_()
        self.discard()
        own: list[dict[str, Any]] = [
            {name: group[name] for name in _OF_THE_RECIPE if name in group}
            for group in self.optimizer.param_groups
        ]
        # Checkpoints of earlier versions knew one optimizer, and called it by its name.
        restored(self.optimizer, state["optimizer"] if "optimizer" in state else state["adamw"])
        for group, kept in zip(self.optimizer.param_groups, own, strict=True):
            group.update(kept)
        if self.scaler and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])


def _unpaged(recipe: Recipe) -> Finding:
    plain = "adamw_8bit" if recipe.optim == "paged_adamw_8bit" else "adamw_torch"
    return Finding(
        category="quantization_backend",
        severity="note",
        title="On a CPU the optimizer's moments are not paged",
        cause="There they lie in the machine's own memory already.",
        remedy=f"Nothing; optim: {plain} says the same.",
        patch=Patch(label=f"optim {recipe.optim} -> {plain}", recipe={"optim": plain}),
    )
