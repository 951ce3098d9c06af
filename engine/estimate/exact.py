"""The exact peak of a recipe: its step at two depths, and the line through them to the model's own."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from engine.estimate.live import LiveBytes
from engine.estimate.step import run_step
from engine.estimate.student import configured
from engine.memory.formula import allocator
from engine.memory.parts import Parts
from engine.recipe.recipe import Recipe

_DEPTHS: Final = (2, 4)
"""Even ones, because some models alternate two kinds of blocks."""
_BEFORE: Final = frozenset({"opening", ""})
_EVALUATION: Final = "evaluation"


def exact(recipe: Recipe, config: dict[str, Any], *, cuda: bool) -> Parts:
    """The parts of the peak on a card, or on a CPU.

    Raises:
        Refusal: transformers does not know the model, or it has no such layers.
    """
    depth = configured(config).num_hidden_layers
    if depth <= _DEPTHS[1]:
        return _parts(_moments(run_step(recipe, config, depth=None, cuda=cuda)), cuda=cuda)
    less, more = (_moments(run_step(recipe, config, depth=d, cuda=cuda)) for d in _DEPTHS)
    return _parts(
        {moment: _at(depth, less.get(moment, Counter()), parts) for moment, parts in more.items()}, cuda=cuda
    )


def _moments(live: LiveBytes) -> dict[str, Counter[str]]:
    return {moment: peak.parts for moment, peak in live.peaks.items() if moment not in _BEFORE}


def _at(depth: int, less: Counter[str], more: Counter[str]) -> Counter[str]:
    """Each part at `depth`, on the line through it at the two depths."""
    few, many = _DEPTHS
    return Counter({
        part: max(more[part] + (more[part] - less[part]) * (depth - many) // (many - few), 0)
        for part in more.keys() | less.keys()
    })  # fmt: skip


def _parts(moments: dict[str, Counter[str]], *, cuda: bool) -> Parts:
    """The moment of training with the most, and what evaluation takes beyond it."""
    training = max((p for moment, p in moments.items() if moment != _EVALUATION), key=Counter.total)
    evaluation = max(moments[_EVALUATION].total() - training.total(), 0)
    moving = training["activations"] + training["logits"] + training["gradients"]
    return Parts(
        weights=training["weights"],
        adapter=training["adapter"],
        optimizer=training["optimizer"],
        gradients=training["gradients"],
        activations=training["activations"] + training[""],
        logits=training["logits"],
        evaluation=evaluation,
        allocator=allocator(moving) if cuda else 0,
    )
