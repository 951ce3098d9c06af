"""Imports what trains, touches the cards, multiplies in 4 bits: a line of JSON after each step.

In one process, because each step needs what the one before imported; where a step kills or stops
the process, what was printed by then counts.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def main() -> None:
    """The steps named on the command line are imported; `cards` and `4-bit` follow torch."""
    names = sys.argv[1:]
    for name in names:
        _tell(name, lambda name=name: _import(name))
    if "torch" in names:
        _tell("cards", _cards)
        if find_spec("bitsandbytes"):
            _tell("4-bit", _four_bit)


def _tell(step: str, work: Any) -> None:
    try:
        facts = work()
    except Exception as error:  # whatever breaks a step is its answer
        facts = {"trouble": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps({"step": step, "trouble": "", **facts}), flush=True)


def _import(name: str) -> dict[str, Any]:
    module = import_module(name)
    if name != "torch":
        return {}
    return {
        "version": module.__version__,
        "cuda": module.version.cuda,
        "hip": getattr(module.version, "hip", None),
        "archs": module.cuda.get_arch_list(),
    }


def _cards() -> dict[str, Any]:
    """How many cards torch sees; each multiplies once, because one that is seen need not work."""
    import torch

    if not torch.cuda.is_available():
        return {"cards": 0}
    for index in range(torch.cuda.device_count()):
        ones = torch.ones(8, 8, device=f"cuda:{index}")
        if float((ones @ ones).sum()) != 512.0:
            raise RuntimeError(f"cuda:{index} multiplies wrongly")
    return {"cards": torch.cuda.device_count()}


def _four_bit() -> dict[str, Any]:
    """Errors of NF4's rounding, a product, its gradient, and steps with 8-bit moments."""
    import bitsandbytes
    import torch
    from bitsandbytes import functional

    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(256, 256, generator=generator).to(device)
    rows = torch.randn(4, 256, generator=generator).to(device).requires_grad_()
    packed, state = functional.quantize_4bit(weights, quant_type="nf4", blocksize=64)
    product = bitsandbytes.matmul_4bit(rows, packed.t(), state)
    exact = rows @ weights.t()
    again = functional.dequantize_4bit(packed, state)
    product.sum().backward()
    due = again.sum(dim=0).expand_as(rows)
    size = exact.norm()
    return {
        "device": device,
        "rounding": float((product - exact).norm() / size),
        "product": float((product - rows @ again.t()).norm() / size),
        "gradient": float((rows.grad - due).norm() / due.norm()) if rows.grad is not None else 1.0,
        "moments": _eight_bit_steps(weights, again),
    }


def _eight_bit_steps(weights: Any, gradient: Any) -> float:
    """How far AdamW with 8-bit moments ends from where AdamW ends, in lengths of the way."""
    import torch
    from bitsandbytes.optim import AdamW8bit

    ends = []
    for kind in (torch.optim.AdamW, AdamW8bit):
        parameter = torch.nn.Parameter(weights.clone())
        optimizer = kind([parameter], lr=0.01, weight_decay=0.0)
        for scale in (1.0, 0.5, 2.0):  # moments are read back from the second step on
            parameter.grad = gradient * scale
            optimizer.step()
        ends.append(parameter.detach())
    return float((ends[1] - ends[0]).norm() / (ends[0] - weights).norm())


if __name__ == "__main__":
    main()
