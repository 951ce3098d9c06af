"""Exact peaks: a step at two depths, and the line through them to the model's own; the same over rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from engine.estimate.live import LiveBytes
from engine.estimate.step import run_step
from engine.estimate.student import configured
from engine.memory.facts import facts_in
from engine.memory.formula import CHUNK, adapted_blocks, allocator, passed_back
from engine.memory.held import held
from engine.memory.parts import Parts
from engine.memory.widths import widths
from engine.recipe.recipe import Recipe

_DEPTHS: Final = (2, 4)
"""Even ones, because some models alternate two kinds of blocks."""
_BEFORE: Final = frozenset({"opening", ""})
_EVALUATION: Final = "evaluation"
_OF_THE_ADAPTER: Final = frozenset({"adapter", "optimizer", "gradients"})
_FOR_THE_GRADIENT: Final = frozenset({"activations", ""})
_UNPRICED: Final = frozenset({"data", "eval_data", "per_device_train_batch_size"})

Moments = dict[str, Counter[str]]
"""Bytes by part at the peak of each moment of a step."""


class Exact:
    """Prices recipes for one model on one kind of device, and remembers what it has run.

    Blocks are alike and rows are alike, so that every part of every moment lies on a line over both;
    over rows there are two lines, because more logits than a chunk are never there at once.

    Args:
        config: the model's configuration.
        before: called before each step that is run; may raise to give up.
    """

    def __init__(
        self, config: dict[str, Any], *, cuda: bool, before: Callable[[], None] = lambda: None
    ) -> None:
        self._config, self._cuda, self._before = config, cuda, before
        self._known: dict[str, dict[int, Moments]] = {}

    def parts(self, recipe: Recipe) -> Parts:
        """The parts of the peak.

        Raises:
            Refusal: transformers does not know the model, or it has no such layers.
        """
        parts = _parts(self._moments(recipe), cuda=self._cuda)
        return held(parts, recipe, facts_in(self._config), widths(recipe, cuda=self._cuda).weights)

    @cached_property
    def _depth(self) -> int:
        return int(configured(self._config).num_hidden_layers)

    def _moments(self, recipe: Recipe) -> Moments:
        """Run at these rows, but where two others on their line tell; one row alone is never padded."""
        rows = recipe.per_device_train_batch_size
        known = self._known.setdefault(_alike(recipe), {})
        line = self._line_of(recipe, rows)
        alike = (at for at in known if at > 1 and self._line_of(recipe, at) == line)
        others = sorted(alike, key=lambda at: abs(at - rows))[:2] if line is not None else []
        if rows not in known and rows > 1 and len(others) == 2:
            few, many = sorted(others)
            return _line(known[few], known[many], few, many, lambda part: rows)
        if rows not in known:
            known[rows] = self._run(recipe)
        return known[rows]

    def _line_of(self, recipe: Recipe, rows: int) -> int | None:
        """Whole chunks of logits, as far as two; None between the two lines."""
        facts = facts_in(self._config)
        scores = rows * recipe.max_length * facts.vocabulary if facts is not None else 0
        chunks = min(scores // CHUNK[self._cuda], 2)
        return chunks if chunks != 1 else None

    def _run(self, recipe: Recipe) -> Moments:
        if self._depth <= _DEPTHS[1]:
            return self._at(recipe, None)
        few, many = _DEPTHS
        # These models have fewer blocks than those that the recipe may count: all of them are adapted.
        everywhere = msgspec.structs.replace(recipe, layers_to_transform=[])
        less, more = (self._at(everywhere, depth) for depth in _DEPTHS)
        return _line(less, more, few, many, partial(self._blocks, recipe))

    def _blocks(self, recipe: Recipe, part: str) -> int:
        """How many blocks of the model's own have a share of a part."""
        if part in _OF_THE_ADAPTER:
            return adapted_blocks(recipe, self._depth)
        return passed_back(recipe, self._depth) if part in _FOR_THE_GRADIENT else self._depth

    def _at(self, recipe: Recipe, depth: int | None) -> Moments:
        self._before()
        return _peaks(run_step(recipe, self._config, depth=depth, cuda=self._cuda))


def exact(recipe: Recipe, config: dict[str, Any], *, cuda: bool) -> Parts:
    """The parts of the peak of one recipe on a card, or on a CPU."""
    return Exact(config, cuda=cuda).parts(recipe)


def _alike(recipe: Recipe) -> str:
    """The same for recipes that differ in the rows of a micro-batch alone, or in what moves no tensor."""
    values = asdict(recipe) | {"gradient_accumulation_steps": recipe.gradient_accumulation_steps > 1}
    return str({name: v for name, v in values.items() if name not in _UNPRICED})


def _peaks(live: LiveBytes) -> Moments:
    return {moment: peak.parts for moment, peak in live.peaks.items() if moment not in _BEFORE}


def _line(less: Moments, more: Moments, few: int, many: int, at: Callable[[str], int]) -> Moments:
    """Every part of every moment on the line through its values for `few` and `many`, `at` some number."""
    return {
        moment: _between(less.get(moment, Counter()), parts, lambda part: (at(part) - many) / (many - few))
        for moment, parts in more.items()
    }


def _between(less: Counter[str], more: Counter[str], beyond: Callable[[str], float]) -> Counter[str]:
    """`more`, and of each part `beyond` times what it has over `less`."""
    return Counter(
        {
            part: max(more[part] + round((more[part] - less[part]) * beyond(part)), 0)
            for part in more.keys() | less.keys()
        }
    )


def _parts(moments: Moments, *, cuda: bool) -> Parts:
    """The moment of training with the most, and what evaluation takes beyond it."""
    training = max((p for moment, p in moments.items() if moment != _EVALUATION), key=Counter.total)
    moving = training["activations"] + training["logits"] + training["gradients"]
    return Parts(
        weights=training["weights"],
        adapter=training["adapter"],
        optimizer=training["optimizer"],
        gradients=training["gradients"],
        activations=training["activations"] + training[""],
        logits=training["logits"],
        evaluation=max(moments[_EVALUATION].total() - training.total(), 0),
        allocator=allocator(moving) if cuda else 0,
    )
