"""The linear layers of the model in a folder, read from the names and shapes of its tensors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from engine.hub.cache import read_json, shards
from engine.model.architectures import ARCHITECTURES, AS_IN_FILES, TRANSPOSED
from engine.model.choice import Layers
from engine.model.headers import Shape, Tensor, header

WEIGHTS: Final = "model.safetensors"
_BITS: Final = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "I64": 64, "I32": 32,
                "I16": 16, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4}  # fmt: skip
_FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16"})
_EMBEDDING: Final = re.compile(r"(^|\.)(?!embed_out)(\w*embed\w*|wte|wpe|wpt)(\.|$)")
_ELSEWHERE: Final = re.compile(r"(^|\.)(vision|visual|audio|image|speech|multi_modal|mm_)\w*\.")
"""The parts of a model that see or hear."""
_HEAD: Final = re.compile(r"(^|\.)(lm_head|embed_out|output_projection)$")
_BLOCK: Final = re.compile(r"\.\d+\.")
_EXPERT: Final = re.compile(r"experts|_moe\.")
_ONE_EXPERT: Final = re.compile(r"\.experts\.\d+\.")
_ROUTER: Final = re.compile(r"(^|\.)(gate|router|router\.layer)$")
_PACKED: Final = (".qweight", ".weight_packed")
"""What GPTQ, AWQ and compressed-tensors write in place of a layer's weight."""


def tensors_of(folder: Path) -> dict[str, Tensor]:
    """All tensors of the model's safetensors files; empty where it has none.

    Raises:
        OSError, ValueError: a file cannot be read, or is no safetensors file.
    """
    named = (
        [WEIGHTS]
        if (folder / WEIGHTS).is_file()
        else sorted(shards(read_json(folder / f"{WEIGHTS}.index.json")))
    )
    return {name: tensor for file in named for name, tensor in header(folder / file).items()}


def bytes_of(tensors: dict[str, Tensor], bits: int | None = None) -> int:
    """What the tensors take in memory; floats with `bits` each where that is given."""
    total = 0
    for tensor in tensors.values():
        size = 1
        for length in tensor.shape:
            size *= length
        total += size * (bits if bits and tensor.dtype in _FLOATS else _BITS.get(tensor.dtype, 16))
    return total // 8


def parameters_of(tensors: dict[str, Tensor]) -> int:
    """How many numbers the tensors hold, packed ones counted as they lie there."""
    return bytes_of({name: Tensor("U8", tensor.shape) for name, tensor in tensors.items()})


def named_as_in_files(kind: str) -> bool:
    """True where transformers calls the layers of such a model what its files call them.

    Of others it may join, split and rename tensors while it loads them.
    """
    return kind in ARCHITECTURES or kind in AS_IN_FILES


def layers_in(kind: str, tensors: dict[str, Tensor]) -> Layers[Shape]:
    """The linear layers of a `model_type` with these tensors, each with its shape as (out, in).

    A linear layer is a matrix called `weight` that is no embedding, no router and no expert's.
    Of packed layers the shape is not known: it is empty.
    """
    inside: dict[str, Shape] = {}
    outside: dict[str, Shape] = {}
    experts = any(_stacked(name, tensor) or _ONE_EXPERT.search(name) for name, tensor in tensors.items())
    for name, tensor in tensors.items():
        path = _path(name, tensor)
        if path is None or _EMBEDDING.search(path) or _ONE_EXPERT.search(path):
            continue
        if experts and _ROUTER.search(path):
            continue
        shape = tensor.shape if tensor.dtype in _FLOATS and name.endswith(".weight") else ()
        shape = shape[::-1] if kind in TRANSPOSED else shape
        if _HEAD.search(path) and not _BLOCK.search(path):
            outside[path if kind not in ARCHITECTURES else "lm_head"] = shape
        elif _ELSEWHERE.search(path):
            outside[path] = shape
        else:
            inside[path] = shape
    if not any(path.endswith("lm_head") for path in outside):
        outside["lm_head"] = ()  # tied to the embedding, it is in no file
    return Layers(kind, inside, outside, experts=experts)


def _stacked(name: str, tensor: Tensor) -> bool:
    return len(tensor.shape) == 3 and _EXPERT.search(name) is not None


def _path(name: str, tensor: Tensor) -> str | None:
    """The layer whose matrix this is; None for any other tensor."""
    for ending in _PACKED:
        if name.endswith(ending):
            return name.removesuffix(ending)
    if name.endswith(".weight") and len(tensor.shape) == 2:
        return name.removesuffix(".weight")
    return None


def kind_of(path: str, tensors: dict[str, Tensor]) -> str:
    """What is called `path` and is no linear layer, in words; empty where nothing is."""
    for name in tensors:
        owner = name.rpartition(".")[0]
        if not f".{owner}".endswith(f".{path}"):
            continue
        if _EMBEDDING.search(owner):
            return "an embedding"
        if _ONE_EXPERT.search(owner) or "experts" in owner:
            return "a part of the experts"
        if _ROUTER.search(owner):
            return "a router"
        return "a norm" if len(tensors[name].shape) == 1 else "no matrix"
    return ""
