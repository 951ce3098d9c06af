"""All weights learn: the reference that adapters are compared with. What is saved is a model's folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from engine.data.refusal import Refusal
from engine.model import layers

CONFIG: Final = "config.json"
WEIGHTS: Final = layers.WEIGHTS
_BESIDE: Final = ("tokenizer*", "special_tokens_map.json", "vocab*", "merges.txt", "*.model",
                  "chat_template*", "generation_config.json", "added_tokens.json")  # fmt: skip
"""Files of the base that make a folder of weights a model to talk to."""


class Whole(nn.Module):
    """A model without an adapter, in the place of one with.

    Attributes:
        peft_config: empty, where a model with an adapter tells of it.
    """

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        self.base_model = base
        self.peft_config: dict[str, Any] = {}

    def get_base_model(self) -> PreTrainedModel:
        """The model."""
        return self.base_model

    def forward(self, *args: Any, **given: Any) -> Any:
        """As the model's own."""
        return self.base_model(*args, **given)


def lay_whole(base: PreTrainedModel) -> Whole:
    """`base` with every weight learning.

    Raises:
        Refusal: transformers calls its weights otherwise than its files do.
    """
    if not layers.named_as_in_files(str(base.config.model_type)):
        raise Refusal(
            "dependency_version",
            f"method: full does not know how {base.config.model_type} models are saved.",
            where="recipe: method",
            why="transformers joins and renames the tensors of such models while it loads them.",
            do="Set method: lora.",
        )
    base.requires_grad_(True)
    return Whole(base)


def tensors(model: Whole) -> dict[str, torch.Tensor]:
    """The model's tensors on the CPU; of tied ones the first alone, as transformers saves them."""
    own: set[int] = set()
    found = {}
    for name, tensor in model.base_model.state_dict().items():
        if tensor.data_ptr() not in own:
            own.add(tensor.data_ptr())
            found[name] = tensor.detach().cpu().contiguous()
    return found


def write(folder: Path, model: Whole) -> dict[str, torch.Tensor]:
    """Write a folder that transformers loads; returns the tensors written."""
    state = tensors(model)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    config = model.base_model.config
    before = config.dtype
    config.dtype = torch.float32
    config.save_pretrained(folder)
    config.dtype = before
    shutil.copymode(folder / CONFIG, folder / WEIGHTS)
    source = Path(str(config._name_or_path))
    for pattern in _BESIDE:
        for file in source.glob(pattern):
            shutil.copyfile(file, folder / file.name)
    return state


def read_into(model: Whole, folder: Path) -> None:
    """Load the weights in `folder` into `model`; raises RuntimeError where they are not its own."""
    state = load_file(folder / WEIGHTS)
    here = {name: tensor.shape for name, tensor in tensors(model).items()}
    if {name: tensor.shape for name, tensor in state.items()} != here:
        raise RuntimeError("its tensors are not those of the recipe's model")
    model.base_model.load_state_dict(state, strict=False)
