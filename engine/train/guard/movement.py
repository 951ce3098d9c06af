"""Whether every tensor that trains moves, asked of the device a few times at the start of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from engine.watch.point import Sign

_FIRST: Final = 3
"""Good steps after which something must have moved: lora_A has no gradient before lora_B has moved."""
_ALL: Final = 10
"""Good steps after which everything should have."""
_NAMED: Final = 8


class Movement:
    """Compares two sums of each tensor, in double precision, with those before the steps.

    The answer is read a step after it was asked for, when the device has long computed it.
    """

    def __init__(self, named: Sequence[tuple[str, torch.nn.Parameter]]) -> None:
        self._named = list(named)
        self.begin()

    def begin(self) -> None:
        """Compare from here on: with the tensors as they are now, before the next step."""
        self._before = self._sums()
        self._asked: torch.Tensor | None = None
        self._good = 0

    def signs(self, step: int) -> list[Sign]:
        """Count a good step; what there is to say of tensors that have not moved."""
        if self._good > _ALL:
            return []
        self._good += 1
        said = self._read(step) if self._asked is not None else []
        if self._good in (_FIRST, _ALL):
            self._asked = (self._sums() == self._before).all(dim=0)
        return said

    def _read(self, step: int) -> list[Sign]:
        assert self._asked is not None
        still = [name for (name, _), same in zip(self._named, self._asked.tolist(), strict=True) if same]
        self._asked = None
        if len(still) == len(self._named):
            return [_sign(step, _FIRST, "blocker", "Nothing that trains has moved", still, len(self._named))]
        if not still or self._good <= _ALL:
            return []
        title = f"{len(still)} of {len(self._named)} tensors that train have not moved"
        return [_sign(step, _ALL, "warning", title, still, len(self._named))]

    @torch.no_grad()
    def _sums(self) -> torch.Tensor:
        """(2, tensors): the sum of each and that of its squares, by which no movement cancels out."""
        own = [getattr(p, "_local_tensor", p).detach() for _, p in self._named]
        wide = torch.float32 if own[0].device.type == "mps" else torch.float64
        plain = [tensor.sum(dtype=wide) for tensor in own]
        squares = [tensor.square().sum(dtype=wide) for tensor in own]
        return torch.stack([torch.stack(plain), torch.stack(squares)])


def _sign(step: int, taken: int, severity: str, title: str, still: list[str], count: int) -> Sign:
    every = severity == "blocker"
    return Sign(
        mechanism="unmoved",
        category="no_trainable_params_or_grad",
        severity="blocker" if every else "warning",
        step=step,
        onset=0,
        title=title,
        evidence=[
            f"{len(still)} of {count} tensors are what they were before {taken} good steps",
            *still[:_NAMED],
        ],
        cause=(
            "No gradient reaches them, the steps are lost in rounding, or the learning rate is 0."
            if every
            else "No gradient reaches them: something between them and the loss cuts it."
        ),
        remedy="Check learning_rate and target_modules; leave out layers that take no part.",
    )
