"""The method: the rates that it wants, and fields that it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.findings import Category, Finding
from engine.model.layers import parameters_of
from engine.preflight.patches import patch, remedy
from engine.preflight.subject import RANKED, Subject
from engine.recipe.edit import written
from engine.recipe.fields import FIELDS


class Rates(NamedTuple):
    """The rates that a method is usually tuned at."""

    low: float
    usual: float
    high: float


RATES: Final = {
    "vera": Rates(1e-3, 1e-2, 0.1),
    "ia3": Rates(5e-4, 3e-3, 3e-2),
    "prompt": Rates(3e-3, 3e-2, 0.5),
    "prefix": Rates(5e-4, 1e-2, 0.5),
    "bitfit": Rates(1e-4, 1e-3, 1e-2),
    "full": Rates(5e-7, 1e-5, 1e-4),
}
"""From the experiments of the papers: VeRA (arXiv 2310.11454) 2e-3 to 2e-2, IA3 (2205.05638) 3e-3, prompt
tuning (2104.08691) 0.3 with Adafactor and 3e-2 in PEFT's examples, P-tuning v2 (2110.07602) 5e-3 to 2e-2,
BitFit (2106.10199) 1e-4 to 1e-2; full: 1e-5 to 2e-5 in the Llama 2 and Alpaca recipes."""
_TINY: Final = 50_000_000
"""Parameters below which a model takes rates far above the usual ones."""


def look(subject: Subject) -> Iterator[Finding]:
    """A rate that is another method's, and fields that do nothing."""
    recipe = subject.recipe
    if recipe.method not in RANKED and recipe.adapter is None:
        yield from _rate(subject, RATES[recipe.method])
    if recipe.method == "bitfit" and subject.tensors and not any("bias" in name for name in subject.tensors):
        yield _no_biases(subject)
    if recipe.tokens_before:
        yield from _beyond_the_window(subject)
    for field in FIELDS:
        value = getattr(recipe, field.name)
        if not field.methods or recipe.method in field.methods or value == field.default:
            continue
        yield Finding(
            category="hyperparameter",
            severity="note",
            title=f"{field.name} does nothing: method {recipe.method} does not know it",
            evidence=[f"{field.name} {written(value)}"],
            cause=f"It belongs to {', '.join(field.methods)}.",
            remedy="Leave it out.",
            patch=patch(recipe, **{field.name: field.default}),
        )


def _rate(subject: Subject, rates: Rates) -> Iterator[Finding]:
    recipe = subject.recipe
    rate, said = recipe.learning_rate, written(recipe.learning_rate)
    small = bool(subject.tensors) and parameters_of(subject.tensors) < _TINY
    change = patch(recipe, learning_rate=rates.usual)
    name = "full fine-tuning" if recipe.method == "full" else recipe.method
    category: Category
    if rate < rates.low:
        category, level = "hyperparameter", "low"
        cause = "The fewer numbers learn, the larger the steps that they want."
    elif rate > rates.high and not small:
        category, level = "loss_spike_divergence", "high"
        cause = "With so large steps the loss jumps, or turns into NaN."
    else:
        return
    yield Finding(
        category=category,
        severity="warning",
        title=f"A learning rate of {said} is {level} for {name}",
        confidence=0.7,
        evidence=[f"usual is {written(rates.usual)}"],
        cause=cause,
        remedy=remedy(change),
        patch=change,
    )


def _no_biases(subject: Subject) -> Finding:
    change = patch(subject.recipe, method="ia3", learning_rate=RATES["ia3"].usual)
    return Finding(
        category="no_trainable_params_or_grad",
        severity="blocker",
        title="method: bitfit tunes biases, and the model has none.",
        evidence=[f"{len(subject.tensors):,} tensors, none called bias"],
        cause="Llama, Mistral, Gemma and most models since are made without biases.",
        remedy=remedy(change),
        patch=change,
    )


def _beyond_the_window(subject: Subject) -> Iterator[Finding]:
    window = subject.config.get("sliding_window")
    if not isinstance(window, int) or not subject.config.get("use_sliding_window", True):
        return
    if window >= subject.max_length:
        return
    yield Finding(
        category="rank_sufficiency",
        severity="warning",
        title=f"What is learnt stands before the row, and attention reaches back {window:,} tokens",
        confidence=0.7,
        evidence=[f"config.json: sliding_window {window:,}", f"max_length {subject.max_length:,}"],
        cause="Behind that many tokens a row sees nothing of it, or only what layers have passed on.",
        remedy="Set method: lora, or keep rows shorter than the window.",
        patch=patch(subject.recipe, method="lora"),
    )
