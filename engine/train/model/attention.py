"""The attention kernel: what the recipe wishes, and what device and model have."""

from __future__ import annotations

from transformers import PreTrainedModel
from transformers.utils import is_flash_attn_2_available

from engine.findings import Finding, Patch
from engine.recipe.recipe import Recipe
from engine.text import one_line
from engine.train.kernels.packed_attention import NAME as PACKED
from engine.train.machine import Machine


def choose(base: PreTrainedModel, recipe: Recipe, machine: Machine) -> list[Finding]:
    """Give `base` the kernel that the recipe names; where that cannot be, it keeps its own, which is told."""
    wish = recipe.attn_implementation
    if wish in ("auto", kernel(base)):
        return []
    lacking = _lacking(wish, machine) or _refused(base, wish)
    return [_not_granted(wish, kernel(base), lacking)] if lacking else []


def kernel(base: PreTrainedModel) -> str:
    """transformers' name of the kernel that `base` uses; `sdpa, packed` for ours, of rows end to end."""
    name = str(base.config._attn_implementation)
    return "sdpa, packed" if name == PACKED else name


def _lacking(wish: str, machine: Machine) -> str:
    """What the device or the packages lack for `wish`; empty where nothing."""
    on_gpu = machine.device.type == "cuda"
    if wish == "flash_attention_2":
        if not on_gpu:
            return "It needs a GPU."
        if machine.precision == "fp32":
            return "It computes in 16 bits, and this run computes in fp32."
        if not is_flash_attn_2_available():
            return "The package flash-attn is not installed."
    if wish == "flex_attention" and not on_gpu:
        return "On a CPU it has no gradient."
    return ""


def _refused(base: PreTrainedModel, wish: str) -> str:
    """Why the model does not take `wish`; empty where it has taken it."""
    try:
        base.set_attn_implementation(wish)
    except (ValueError, ImportError) as error:
        return one_line(str(error).partition(". ")[0], 200) + "."
    return "" if kernel(base) == wish else "The model's own code decides."


def _not_granted(wish: str, own: str, why: str) -> Finding:
    return Finding(
        category="dependency_version",
        severity="warning",
        title=f"Attention is computed by {own}, not by {wish}",
        cause=why,
        remedy="Nothing: what is learnt is the same, to rounding. Set attn_implementation: auto.",
        patch=Patch(label=f"attn_implementation {wish} -> auto", recipe={"attn_implementation": "auto"}),
    )
