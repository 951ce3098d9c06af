"""The device: whether it is there, computes in the precision asked for, and holds the model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from engine import packages
from engine.findings import Finding
from engine.leases.asked import asked
from engine.leases.cards import offered
from engine.messages import Gpu
from engine.model.layers import parameters_of
from engine.preflight import kernels
from engine.preflight.findings import stopped
from engine.preflight.patches import patch, remedy
from engine.preflight.subject import Subject
from engine.problem import Problem
from engine.recipe.together import unspreadable
from engine.telemetry.gpu import capability
from engine.text import amount

_AMPERE: Final = (8, 0)
"""The first compute capability with bf16."""
_LARGE: Final = 500_000_000
"""Parameters from which on a CPU takes seconds for each row of 1,000 tokens (2 FLOP a weight and token, three
passes, 0.2 TFLOP/s)."""


def look(subject: Subject) -> Iterator[Finding]:
    """What would stop the run on the device that it is to have, and what would make it slow."""
    try:
        packages.check_training()
    except Problem as problem:
        yield stopped("dependency_version", problem)
        return
    try:
        cards = offered(asked(subject.recipe.devices), subject.env, subject.cards)
    except Problem as problem:
        yield stopped("cuda_driver_or_arch", problem, patch(subject.recipe, devices="auto"))
        return
    if cards:
        yield from _on_card(subject, cards[0], asked(subject.recipe.devices).count)
    else:
        yield from _on_cpu(subject)


def _on_cpu(subject: Subject) -> Iterator[Finding]:
    recipe = subject.recipe
    yield from kernels.look(subject, on_card=False, narrow=recipe.mixed_precision in ("fp16", "bf16"))
    needed, numbers = kernels.weights(subject, 32), parameters_of(subject.tensors)
    if needed > subject.memory:
        yield _too_large(subject, 32, subject.memory, "this machine's memory")
        return
    if subject.cards and asked(recipe.devices).cpu:
        yield Finding(
            category="hang_or_slow",
            severity="warning",
            title="The run is to use the CPU, and there is a GPU",
            evidence=[card.name for card in subject.cards],
            cause="A CPU takes many times as long.",
            remedy="Set devices: auto.",
            patch=patch(recipe, devices="auto"),
        )
    elif numbers > _LARGE:
        yield Finding(
            category="hang_or_slow",
            severity="warning",
            title=f"The run uses the CPU, for a model of {numbers / 1e9:.1f} billion parameters",
            confidence=0.8,
            evidence=[f"{amount(needed)} of weights"],
            cause="No GPU is there for it, and a CPU takes seconds for each row.",
            remedy="Take a smaller model, or a machine with a GPU.",
        )
    if recipe.mixed_precision in ("fp16", "bf16"):
        yield Finding(
            category="hang_or_slow",
            severity="note",
            title=f"On a CPU {recipe.mixed_precision} saves no memory, and most compute it slowly",
            confidence=0.7,
            cause="Weights are held in fp32 there, and are turned into 16 bits for each product.",
            remedy="Set mixed_precision: auto.",
            patch=patch(recipe, mixed_precision="auto"),
        )


def _on_card(subject: Subject, card: Gpu, cards: int) -> Iterator[Finding]:
    recipe, able = subject.recipe, (capability(card.index) or _AMPERE) >= _AMPERE
    if packages.version_of("torch").endswith("+cpu"):
        yield Finding(
            category="cuda_driver_or_arch",
            severity="warning",
            title="This torch is built for the CPU and uses no GPU",
            evidence=[f"torch {packages.version_of('torch')}", card.name],
            remedy="Install the torch for your CUDA by PyTorch's install page (pytorch.org/get-started).",
        )
    if recipe.mixed_precision == "bf16" and not able:
        yield Finding(
            category="bf16_unsupported",
            severity="blocker",
            title="This device cannot compute in bf16.",
            evidence=[card.name],
            cause="bf16 needs compute capability 8.0 (Ampere) or newer.",
            remedy="Set mixed_precision to auto or fp16.",
            patch=patch(recipe, mixed_precision="auto"),
        )
    if recipe.mixed_precision == "auto" and not able:
        change = patch(recipe, mixed_precision="fp16")
        yield Finding(
            category="bf16_unsupported",
            severity="note",
            title="The card has no bf16, and the run computes in fp32",
            evidence=[card.name],
            cause="bf16 needs compute capability 8.0 (Ampere); fp16 overflows in models made in bf16.",
            remedy=f"{remedy(change)[:-1]} for half of the time, if the model was not made in bf16.",
            patch=change if _made_in(subject) != "bfloat16" else None,
        )
    if recipe.mixed_precision == "fp16" and _made_in(subject) == "bfloat16":
        change = patch(recipe, mixed_precision="auto" if able else "no")
        yield Finding(
            category="nan_or_inf",
            severity="warning",
            title="The model was made in bf16, and is to be computed in fp16",
            confidence=0.6,
            evidence=["config.json: bfloat16", "mixed_precision fp16"],
            cause="Numbers that bf16 holds overflow in fp16, and become infinite.",
            remedy=remedy(change),
            patch=change,
        )
    narrow = recipe.mixed_precision in ("bf16", "fp16") or (recipe.mixed_precision == "auto" and able)
    yield from kernels.look(subject, on_card=True, narrow=narrow)
    bits = 16 if narrow else 32
    needed = kernels.weights(subject, bits)
    if cards > 1 and recipe.fsdp != "never" and not unspreadable(partial(getattr, recipe)):
        needed //= cards  # the blocks are spread, and embeddings are little beside them
    if needed > card.total:
        yield _too_large(subject, bits, card.total, card.name)
    elif needed > card.total - card.used:
        yield Finding(
            category="oom",
            severity="warning",
            title=f"The weights alone take {amount(needed)}, and {amount(card.total - card.used)} are free",
            evidence=[f"{card.name}: {amount(card.used)} of {amount(card.total)} used"],
            cause="Another program holds memory of the GPU.",
            remedy="The run waits until there is room; end that program, or name another GPU in devices.",
        )


def _made_in(subject: Subject) -> str:
    return str(subject.config.get("dtype") or subject.config.get("torch_dtype") or "")


def _too_large(subject: Subject, bits: int, there: int, where: str) -> Finding:
    needed, quantised = kernels.weights(subject, bits), kernels.in_4_bits(subject, bits)
    fits = quantised is not None and quantised < there
    change = patch(subject.recipe, load_in_4bit=True, load_in_8bit=False) if fits else None
    otherwise = "Take a smaller model, or a machine with more memory."
    return Finding(
        category="oom",
        severity="blocker",
        title=f"The weights alone take {amount(needed)}, and {where} has {amount(there)}",
        cause="Activations and the adapter come on top.",
        remedy=f"Set load_in_4bit: true: they take {amount(quantised or 0)} then." if fits else otherwise,
        patch=change,
    )
