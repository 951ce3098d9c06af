"""The adapter as tensors and as files that plain peft loads."""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from engine.data.refusal import Refusal
from engine.train.methods import starts, whole
from engine.train.methods.table import Tuned

WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "adapter_config.json"


def tensors(model: Tuned) -> dict[str, torch.Tensor]:
    """The adapter's tensors by the names peft saves them under, on the CPU; of a whole model all."""
    if isinstance(model, whole.Whole):
        return whole.tensors(model)
    with _all_ranks(model):
        found = starts.joined(model, get_peft_model_state_dict(model, save_embedding_layers=False))
    own: set[int] = set()
    taken = {}
    for name, tensor in found.items():
        there = tensor.detach().cpu().contiguous()
        # A file holds no tensor twice, and tied modules that learn whole are one.
        taken[name] = there.clone() if there.data_ptr() in own else there
        own.add(there.data_ptr())
    return taken


def fingerprint(state: dict[str, torch.Tensor]) -> dict[str, str]:
    """A short hash of each tensor's bytes."""
    return {
        name: hashlib.blake2b(tensor.reshape(-1).view(torch.uint8).numpy().data, digest_size=8).hexdigest()
        for name, tensor in state.items()
    }


def write(folder: Path, model: Tuned, name: str) -> dict[str, torch.Tensor]:
    """Write weights and configuration into `folder`; `name` is what the base model is called.

    Returns:
        The tensors written.
    """
    if isinstance(model, whole.Whole):
        return whole.write(folder, model)
    state = tensors(model)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    config = copy.copy(model.peft_config["default"])
    config.inference_mode, config.base_model_name_or_path = True, name
    config.rank_pattern = None if config.peft_type == "ADALORA" else getattr(config, "rank_pattern", None)
    if any(starts.held(model)):
        starts.widened(config)
    for field, value in vars(config).items():
        if isinstance(value, set):  # its order would differ from process to process
            setattr(config, field, sorted(value))
    config.save_pretrained(str(folder))
    # safetensors writes for its user alone; what a person shares by the umask is the whole adapter.
    shutil.copymode(folder / CONFIG, folder / WEIGHTS)
    return state


def read_into(model: Tuned, folder: Path) -> None:
    """Load the weights in `folder` into `model`.

    Raises:
        Refusal: the tensors there are not those of this model's adapter.
    """
    if isinstance(model, whole.Whole):
        whole.read_into(model, folder)
        return
    state = load_file(folder / WEIGHTS)
    here = tensors(model)
    if {n: t.shape for n, t in state.items()} != {n: t.shape for n, t in here.items()}:
        raise Refusal(
            "checkpoint_resume",
            "The checkpoint's adapter does not fit this recipe.",
            where=str(folder),
            why=f"It has {len(state)} tensors and the recipe asks for {len(here)}, or their shapes differ.",
            do="Put lora_r and target_modules back to what they were, or start a new run.",
        )
    with _all_ranks(model):
        set_peft_model_state_dict(model, starts.parted(model, state))


@contextmanager
def _all_ranks(model: PeftModel) -> Iterator[None]:
    """AdaLoRA's tensors whole inside: peft would leave out the ranks that are taken, which are zeros."""
    config = model.peft_config["default"]
    if str(config.peft_type) != "PeftType.ADALORA" and config.peft_type != "ADALORA":
        yield
        return
    taken, config.rank_pattern = config.rank_pattern, None
    yield
    config.rank_pattern = taken
