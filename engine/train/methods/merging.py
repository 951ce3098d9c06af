"""Merges an adapter into the base before training, and gives both parts back as one adapter.

The weights of the base change in memory alone. A saved adapter holds what was merged and what was trained on
top of it, [B | B0] [A; A0], as one LoRA of the ranks together, so that it fits the original model: nothing
else has to be kept or carried along.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Final

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from engine.atomic import draft, publish
from engine.data.refusal import Refusal
from engine.recipe.adapters import CONFIG, WEIGHTS
from engine.train.methods.laying import opened
from engine.train.methods.starts import lora_layers

NAME: Final = "merged"
"""The folder of a run that keeps a copy of the adapter it merged."""
_PREFIX: Final = "base_model.model."

Factors = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""A (r, in) and B (out, r) of each layer by its path in a peft model; B A is what was merged."""


def merged(
    base: PreTrainedModel, adapter: Path, run: Path, *, keeps: bool
) -> tuple[PreTrainedModel, Factors]:
    """`base` with the adapter in the folder `adapter` merged in, and what that was.

    Args:
        run: the run's folder; a copy of the adapter lies there from its first start on.
        keeps: this rank makes that copy.

    Raises:
        Refusal: there is no such adapter, it does not fit, or it is more than a plain LoRA.
    """
    copy = run / NAME
    saved = opened(copy if copy.is_dir() else adapter)
    model = PeftModel.from_pretrained(base, str(saved.folder))
    factors: Factors = {}
    for path, layer in lora_layers(model):
        if not _is_plain(layer, base) or _learns_whole(model):
            raise _not_plain(saved.folder)
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        factors[path] = (a.detach().float().cpu(), b.detach().float().cpu() * layer.scaling["default"])
    if keeps and not copy.is_dir():
        _keep(saved.folder, copy)
    whole: PreTrainedModel = model.merge_and_unload(safe_merge=True)
    return whole, factors


def add_merged(folder: Path, model: PeftModel, factors: Factors) -> dict[str, torch.Tensor]:
    """Make the adapter in `folder`, which was trained on a merged model, one of the original model.

    Returns:
        The tensors that it now holds.
    """
    own: dict[str, torch.Tensor] = load_file(folder / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text())
    scales = {path: float(layer.scaling["default"]) for path, layer in lora_layers(model)}
    state: dict[str, torch.Tensor] = {}
    ranks: dict[str, int] = {}
    for path in sorted(scales.keys() | factors.keys()):
        parts = [factors[path]] if path in factors else []
        if path in scales:
            a, b = own.pop(f"{path}.lora_A.weight"), own.pop(f"{path}.lora_B.weight")
            parts.insert(0, (a.float(), b.float() * scales[path]))
        state[f"{path}.lora_A.weight"] = torch.cat([a for a, _ in parts]).contiguous()
        state[f"{path}.lora_B.weight"] = torch.cat([b for _, b in parts], dim=1).contiguous()
        ranks[path.removeprefix(_PREFIX)] = state[f"{path}.lora_A.weight"].shape[0]
    save_file(state | own, folder / WEIGHTS, metadata={"format": "pt"})
    shutil.copymode(folder / CONFIG, folder / WEIGHTS)
    if scales.keys() != factors.keys():
        config |= {"target_modules": sorted(ranks), "exclude_modules": None, "layers_to_transform": None}
    (folder / CONFIG).write_text(json.dumps(config | _ranked(ranks), indent=2, sort_keys=True))
    return state | own


def _ranked(ranks: dict[str, int]) -> dict[str, Any]:
    """peft's fields for layers of these ranks, each at scale 1."""
    [(usual, _)] = Counter(ranks.values()).most_common(1)
    others = {path: rank for path, rank in ranks.items() if rank != usual}
    return {
        "r": usual,
        "lora_alpha": usual,
        "use_rslora": False,
        "rank_pattern": others,
        "alpha_pattern": others,
    }


def _is_plain(layer: Any, base: PreTrainedModel) -> bool:
    """True for a layer whose adapter is a product of two matrices and nothing more."""
    if not isinstance(layer, LoraLayer) or "default" not in layer.lora_A:
        return False
    tied = layer.get_base_layer().weight is base.get_input_embeddings().weight
    return not (tied or layer.lora_magnitude_vector or layer.lora_bias.get("default"))


def _learns_whole(model: PeftModel) -> bool:
    config: Any = model.peft_config["default"]
    return bool(config.modules_to_save or config.bias != "none" or config.trainable_token_indices)


def _keep(folder: Path, copy: Path) -> None:
    with draft(copy) as made:
        for file in folder.glob("adapter_*"):
            shutil.copyfile(file, made / file.name)
        publish(made, copy)


def _not_plain(folder: Path) -> Refusal:
    return Refusal(
        "merge_mismatch",
        "merge_adapter takes a plain LoRA, and this adapter is more.",
        where=str(folder),
        why="It scales or replaces whole weights (DoRA, modules_to_save, biases, tied embeddings), which no "
        "adapter of the original model could hold beside a new one.",
        do="Leave merge_adapter out to go on with the adapter itself, or export it merged and train on that.",
    )
