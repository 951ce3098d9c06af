"""An optimizer's state as plain tensors, and back into the kind of memory that it was in."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import Optimizer


def saved(optimizer: Optimizer) -> dict[str, Any]:
    """The state of `optimizer`, its tensors without what a library hung on them."""
    if getattr(optimizer, "is_paged", False) and torch.cuda.is_available():
        torch.cuda.synchronize()  # the host reads pages that the device may still write
    state: dict[str, Any] = _plain(optimizer.state_dict())
    return state


def restored(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Give `optimizer` what `saved` returned."""
    optimizer.load_state_dict(state)
    if getattr(optimizer, "is_paged", False):
        _paged_again(optimizer)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _paged_again(optimizer: Any) -> None:
    """bitsandbytes loads paged moments into the device's own memory, which they were to be kept out of."""
    for parameter, state in optimizer.state.items():
        if parameter.device.type == "cpu":
            continue
        for name in ("state1", "state2"):
            if name in state:
                buffer = optimizer.get_state_buffer(parameter, dtype=state[name].dtype)
                torch.cuda.synchronize(parameter.device)
                buffer.copy_(state[name])
                state[name] = buffer
