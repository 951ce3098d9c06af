"""LoftQ: LoRA starts as what a 4-bit base has lost by being quantised (arXiv 2310.08659).

The base stays as it was loaded, so the adapter belongs to the model quantised in the same way.
"""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel
from peft.utils.integrations import get_bnb_param_type
from safetensors import safe_open

from engine.data.refusal import Refusal
from engine.hub.cache import read_json, shards
from engine.model.layers import WEIGHTS
from engine.train.methods.starts import full_weight, lora_layers, put


@torch.no_grad()
def begin_from_loss(model: PeftModel, folder: Path) -> None:
    """Let B A of every layer be the best of its rank for what quantisation took from the weights in `folder`.

    Raises:
        Refusal: the base is not quantised to 4 bits, or a weight is not found in the files.
    """
    for path, layer in lora_layers(model):
        if get_bnb_param_type(layer.get_base_layer().weight) != "4bit":
            raise Refusal(
                "quantization_backend",
                "init_lora_weights: loftq makes up for what a 4-bit base has lost, and this one is not.",
                where="recipe: init_lora_weights",
                do="Set load_in_4bit: true, or take another start such as pissa_niter_16.",
            )
        weight = full_weight(layer)
        lost = _original(folder, path.removeprefix("base_model.model.")).to(weight) - weight
        u, s, vh = torch.linalg.svd(lost, full_matrices=False)
        rank = layer.r["default"]
        root = (s[:rank] / layer.scaling["default"]).sqrt()
        put(layer, root[:, None] * vh[:rank], u[:, :rank] * root)


def _original(folder: Path, path: str) -> torch.Tensor:
    """The weight of the layer as it lies in the model's files, some of which leave out the outermost name."""
    files = (
        [WEIGHTS]
        if (folder / WEIGHTS).is_file()
        else sorted(shards(read_json(folder / f"{WEIGHTS}.index.json")))
    )
    wanted = (f"{path}.weight", f"{path.partition('.')[2]}.weight")
    for file in files:
        with safe_open(folder / file, framework="pt") as opened:
            for name in wanted:
                if name in opened.keys():  # noqa: SIM118 (it is no mapping)
                    found: torch.Tensor = opened.get_tensor(name)
                    return found
    raise Refusal(
        "quantization_backend",
        f"init_lora_weights: loftq does not find the weight of {path} in the model's files.",
        where=str(folder),
        why="It compares the quantised weights with those in the safetensors files.",
        do="Take another start, such as pissa_niter_16.",
    )
