"""Looks at a saved adapter as a stranger would: it has to open, be sound, and have learnt something."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.train.methods import whole
from engine.train.methods.adapter import CONFIG, WEIGHTS, fingerprint
from engine.train.methods.table import METHODS, OF_PEFT


def verify(
    folder: Path, live: dict[str, torch.Tensor], initial: dict[str, str], method: str = "lora"
) -> list[Finding]:
    """Check the adapter in `folder` against the `live` tensors and the fingerprint it started from.

    Returns:
        Findings about modules that did not learn while others did.

    Raises:
        Refusal: it does not open, differs from the live weights, is not finite, or never changed.
    """
    return _learnt(folder, prove_saved(folder, live, method), initial, method)


def prove_saved(folder: Path, live: dict[str, torch.Tensor], method: str = "lora") -> dict[str, torch.Tensor]:
    """The tensors of the adapter in `folder`, once they are found to be those of `live`, to the bit.

    Raises:
        Refusal: it does not open, differs, or is not finite.
    """
    saved = _opened(folder, method)
    if saved.keys() != live.keys():
        raise _unsound(folder, f"It holds {len(saved)} tensors, and the model's adapter has {len(live)}.")
    for name, tensor in live.items():
        if not torch.isfinite(saved[name]).all():
            raise Refusal(
                "nan_or_inf",
                "The adapter holds numbers that are not finite.",
                where=f"{folder / WEIGHTS}: {name}",
                do="Lower learning_rate, or set mixed_precision to bf16 or no.",
            )
        if saved[name].dtype != tensor.dtype or not torch.equal(saved[name], tensor):
            raise _unsound(folder, f"The tensor {name} differs from the one in memory.")
    return saved


def _opened(folder: Path, method: str) -> dict[str, torch.Tensor]:
    config_file, weights = (whole.CONFIG, whole.WEIGHTS) if method == "full" else (CONFIG, WEIGHTS)
    try:
        config = json.loads((folder / config_file).read_text(encoding="utf-8"))
        saved: dict[str, torch.Tensor] = load_file(folder / weights)
    except Exception as error:  # safetensors raises its own kind, and what counts is that it failed
        raise _unsound(folder, f"It cannot be opened again: {error}.") from None
    if method != "full" and config.get("peft_type") not in OF_PEFT:
        raise _unsound(folder, f"Its {CONFIG} does not say by which method it was made.")
    return saved


def _learnt(
    folder: Path, saved: dict[str, torch.Tensor], initial: dict[str, str], method: str
) -> list[Finding]:
    now = fingerprint(saved)
    unchanged = [name for name in saved if now[name] == initial.get(name)]
    each = METHODS[method].each
    second = [name for name in saved if each is not None and each.search(name)]
    still = [name for name in second if name in unchanged]
    if len(unchanged) == len(saved) or (second and len(still) == len(second)):
        raise Refusal(
            "no_trainable_params_or_grad",
            "The adapter is what it was before the first step.",
            where=str(folder),
            why="No step changed its weights: no gradient reached them, or the learning rate was 0.",
            do="Check learning_rate, target_modules and that rows have answers to learn.",
        )
    if not still:
        return []
    return [
        Finding(
            category="no_trainable_params_or_grad",
            severity="warning",
            title=f"{len(still)} of {len(second)} adapted layers learnt nothing",
            evidence=still[:8],
            cause="What they learn is what it was before the first step: no gradient reached them.",
            remedy="Leave them out of target_modules, or look for what cuts the gradient.",
        )
    ]


def _unsound(folder: Path, why: str) -> Refusal:
    return Refusal(
        "save_or_disk",
        "The saved adapter is not sound.",
        where=str(folder),
        why=why,
        do="Check the disk and its free space; the last checkpoint is kept, so the run can be resumed.",
    )
