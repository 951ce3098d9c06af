"""An adapter on disk, looked at without torch: what it is, and whether it fits a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from engine import reading
from engine.findings import Finding
from engine.model.headers import LARGEST, Shape, Tensor, header
from engine.problem import Problem
from engine.recipe.recipe import Recipe

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
_OLDER_WEIGHTS: Final = "adapter_model.bin"
_KINDS: Final = frozenset({"LORA", "ADALORA", "VERA", "IA3", "PROMPT_TUNING", "PREFIX_TUNING"})
_FLOATS: Final = frozenset({"F32", "F16", "BF16", "F64"})
_LORA: Final = re.compile(r"(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<part>[AB])\.weight")


class SavedAdapter(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter in a folder."""

    folder: Path
    kind: str = "LORA"
    """peft's name of the method."""
    base: str
    """What its maker called the base model."""
    rank: int
    alpha: float
    dropout: float
    targets: str | list[str]
    transposed: bool
    """True where it was made for layers that keep their weight as (in, out)."""
    layers: dict[str, Shape]
    """Each adapted layer as (out, in); empty where the weights are not in safetensors."""


class _Config(msgspec.Struct):
    peft_type: str = ""
    base_model_name_or_path: str | None = None
    r: int = 0
    lora_alpha: float = 0.0
    lora_dropout: float = 0.0
    target_modules: str | list[str] | None = None
    fan_in_fan_out: bool = False


def saved_adapter(folder: Path) -> SavedAdapter:
    """The adapter in `folder`.

    Raises:
        Problem: there is none, or it is of a method that is not known here.
    """
    config = _config(folder)
    weights = folder / WEIGHTS
    if not weights.is_file() and not (folder / _OLDER_WEIGHTS).is_file():
        raise _unusable(folder, f"The adapter has no {WEIGHTS}.")
    targets = config.target_modules or []
    return SavedAdapter(
        folder=folder,
        kind=config.peft_type,
        base=config.base_model_name_or_path or "",
        rank=config.r,
        alpha=config.lora_alpha,
        dropout=config.lora_dropout,
        targets=targets if isinstance(targets, str) else sorted(targets),
        transposed=config.fan_in_fan_out,
        layers=_layers(weights) if weights.is_file() else {},
    )


def prove_fit(saved: SavedAdapter, model: Path) -> None:
    """Compare the adapter's shapes with those of the weights in the folder `model`, as far as both are known.

    Raises:
        Problem: a layer that has another shape there, or that the model lacks.
    """
    there = _weights(model)
    pairs = {layer: _found(layer, there) for layer in saved.layers}
    kinds = {_kind(layer) for layer, shape in pairs.items() if shape is not None}
    for layer, shape in pairs.items():
        wanted = saved.layers[layer][::-1] if saved.transposed else saved.layers[layer]
        if shape is None and _kind(layer) in kinds:
            raise _misfit(saved, model, f"The model has no layer {layer}.")
        if shape is not None and shape != wanted:
            raise _misfit(
                saved,
                model,
                f"{layer} is {_shown(shape)} in the model, and {_shown(wanted)} in the adapter's.",
            )


def differences(saved: SavedAdapter, recipe: Recipe) -> list[Finding]:
    """Where the recipe and the adapter say different things."""
    found: list[Finding] = []
    if saved.base and saved.base != recipe.model:
        found.append(
            Finding(
                category="merge_mismatch",
                severity="warning",
                title="The adapter was made for a model of another name; its shapes fit",
                evidence=[f"adapter: {saved.base}", f"recipe: {recipe.model}"],
                cause="The model was moved or copied, or it is another model of the same size.",
                remedy="Nothing if it is the same model; else set `model` to the adapter's base.",
            )
        )
    own = {"lora_r": saved.rank, "lora_alpha": saved.alpha, "lora_dropout": saved.dropout}
    defaults = Recipe(model="", data="")
    differing = (
        []
        if saved.kind != "LORA"
        else [
            f"{name} {getattr(recipe, name):g} in the recipe, {value:g} in the adapter"
            for name, value in own.items()
            if getattr(recipe, name) not in (value, getattr(defaults, name))
        ]
    )
    wanted = recipe.target_modules
    if isinstance(wanted, list) and sorted(wanted) != saved.targets:
        differing.append("target_modules")
    if differing:
        title = "The adapter's own settings count, not the recipe's"
        found.append(Finding(category="hyperparameter", severity="note", title=title, evidence=differing))
    return found


def _config(folder: Path) -> _Config:
    path = folder / CONFIG
    try:
        config = msgspec.json.decode(reading.content(path, LARGEST), type=_Config)
    except FileNotFoundError:
        what = f"There is no {CONFIG} in the folder." if folder.is_dir() else "There is no such folder."
        raise _unusable(folder, what) from None
    except (OSError, *reading.UNDECODABLE) as error:
        raise _unusable(path, f"It cannot be read: {error}.") from None
    if config.peft_type not in _KINDS or (config.peft_type == "LORA" and config.r < 1):
        raise _unusable(path, f"It describes {config.peft_type or 'something else'}, not known here.")
    return config


def _layers(weights: Path) -> dict[str, Shape]:
    halves: dict[str, dict[str, Shape]] = {}
    for name, tensor in _header(weights).items():
        match = _LORA.fullmatch(name)
        if match and len(tensor.shape) == 2:
            halves.setdefault(match["layer"], {})[match["part"]] = tensor.shape
    return {
        layer: (half["B"][0], half["A"][1]) for layer, half in halves.items() if half.keys() == {"A", "B"}
    }


def _weights(model: Path) -> dict[str, Shape]:
    """Shapes of the model's matrices by the paths of their layers; quantised ones are left out."""
    found: dict[str, Shape] = {}
    for file in sorted(model.glob("*.safetensors")):
        for name, tensor in _header(file).items():
            if name.endswith(".weight") and tensor.dtype in _FLOATS and len(tensor.shape) == 2:
                found[name.removesuffix(".weight")] = tensor.shape
    return found


def _found(layer: str, there: dict[str, Shape]) -> Shape | None:
    """The shape of `layer`; some files leave out the model's outermost name."""
    return there.get(layer) or there.get(layer.partition(".")[2])


def _kind(layer: str) -> str:
    return re.sub(r"\d+", "#", layer)


def _header(file: Path) -> dict[str, Tensor]:
    try:
        return header(file)
    except (OSError, *reading.UNDECODABLE) as error:
        raise _unusable(file, f"It cannot be read: {error}.") from None


def _shown(shape: Shape) -> str:
    return " x ".join(f"{size:,}" for size in shape)


def _unusable(where: Path, why: str) -> Problem:
    return Problem(
        "`adapter`: there is no adapter to start from.",
        where=str(where),
        why=why,
        do="Name a run, or a folder that peft saved a LoRA in, or leave `adapter` out.",
    )


def _misfit(saved: SavedAdapter, model: Path, why: str) -> Problem:
    return Problem(
        "`adapter`: it was made for another model.",
        where=str(saved.folder),
        why=f"{why} It was made for {saved.base or 'an unknown model'}, and the recipe names {model}.",
        do="Set `model` to the adapter's base model, or leave `adapter` out.",
    )
