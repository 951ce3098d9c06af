"""A recipe and what surrounds it, looked up once: the model's files, the adapter, the cards, the sizes."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.data.refusal import Refusal
from engine.hub.cache import read_json, snapshot
from engine.hub.names import is_hub_id
from engine.memory.limit import of_machine
from engine.messages import Gpu
from engine.model.choice import Choice, Layers, chosen, patterned
from engine.model.context import context_in
from engine.model.headers import Shape, Tensor
from engine.model.layers import layers_in, named_as_in_files, parameters_of, tensors_of
from engine.problem import Problem
from engine.recipe.adapters import SavedAdapter, saved_adapter
from engine.recipe.recipe import Recipe

RANKED: Final = ("lora", "adalora")
"""Methods whose adapter has a rank for each layer."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much a run has to learn, as far as it is known before the rows are tokenised."""

    rows: int | None = None
    """Rows that are trained on; None where they are not known."""
    held: int = 0
    """Rows that are held out of the same files."""
    steps: int | None = None


class Subject:
    """What the checks look at; each thing is looked up when it is first asked for.

    Args:
        recipe: with every path absolute.
        cards: the cards of this machine, as NVML lists them.
        env: the variables of the job.
    """

    def __init__(self, recipe: Recipe, cards: list[Gpu], env: Mapping[str, str] | None = None) -> None:
        self.recipe, self.cards = recipe, cards
        self.env = os.environ if env is None else env
        self.size = Size()

    # --- the model ---

    @cached_property
    def folder(self) -> Path | None:
        """The model's folder; None where the model is not on this machine."""
        model = self.recipe.model
        if is_hub_id(model) and not os.path.isdir(model):
            return snapshot(model, self.recipe.model_revision, self.env)
        return Path(model)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The model's configuration; empty where it is not here or cannot be read."""
        return read_json(self.folder / "config.json") if self.folder is not None else {}

    @property
    def kind(self) -> str:
        """The configuration's `model_type`."""
        return str(self.config.get("model_type", ""))

    @cached_property
    def context(self) -> int | None:
        """Positions that the model was made for."""
        found = context_in(self.config)
        return None if found is None else max(found - self.recipe.tokens_before, 1)

    @property
    def max_length(self) -> int:
        """Tokens after which training cuts a row."""
        return min(self.recipe.max_length, self.context or self.recipe.max_length)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The model's tensors; empty where it has no safetensors that can be read."""
        try:
            return tensors_of(self.folder) if self.folder is not None else {}
        except (OSError, ValueError):
            return {}

    @cached_property
    def layers(self) -> Layers[Shape] | None:
        """The model's linear layers; None where they are not known."""
        return layers_in(self.kind, self.tensors) if self.tensors and self.kind else None

    @property
    def sure(self) -> bool:
        """True where transformers calls the layers what the files call them."""
        return named_as_in_files(self.kind) and self.recipe.trust_remote_code is None

    # --- the adapter ---

    @cached_property
    def saved(self) -> SavedAdapter | None:
        """The adapter that the run starts from; None where there is none, or it cannot be read."""
        try:
            return saved_adapter(Path(self.recipe.adapter)) if self.recipe.adapter else None
        except Problem:
            return None

    @cached_property
    def choice(self) -> Choice[Shape] | None:
        """The layers that carry a new adapter; None where that is not known, or a name is wrong."""
        if self.layers is None or self.recipe.adapter or self.recipe.method not in RANKED:
            return None
        try:
            recipe = self.recipe
            found = chosen(
                self.layers, recipe.target_modules, recipe.exclude_modules, recipe.layers_to_transform
            )
            patterned(found.layers, recipe.rank_pattern, "rank_pattern")
            return found
        except Refusal:
            return None

    @property
    def adapted(self) -> tuple[int, list[Shape]] | None:
        """The adapter's rank and the shapes of its layers; None where one of them is not known."""
        if self.saved is not None:
            rank, shapes = self.saved.rank, list(self.saved.layers.values())
        elif self.choice is not None:
            rank, shapes = self._first_rank, list(self.choice.layers.values())
        else:
            return None
        return (rank, shapes) if shapes and all(len(shape) == 2 for shape in shapes) else None

    @property
    def _first_rank(self) -> int:
        rank = self.recipe.lora_r
        return max(math.ceil(1.5 * rank), rank + 1) if self.recipe.method == "adalora" else rank

    @property
    def trainable(self) -> int | None:
        """Parameters of the adapter."""
        if self.adapted is None:
            return None
        rank, shapes = self.adapted
        if self.choice is None:
            return sum(rank * (rows + columns) for rows, columns in shapes)
        recipe, layers = self.recipe, self.choice.layers
        own = patterned(layers, recipe.rank_pattern, "rank_pattern") if recipe.method == "lora" else {}
        lengths = sum(shape[0] for shape in shapes) if recipe.use_dora and recipe.method == "lora" else 0
        return lengths + sum(own.get(path, rank) * sum(shape) for path, shape in layers.items())

    @property
    def written(self) -> tuple[int, int] | None:
        """Numbers and tensors that a save writes; None where that is not known, or hardly anything."""
        if self.recipe.method == "full" and self.tensors:
            return parameters_of(self.tensors), len(self.tensors)
        if self.trainable is None or self.adapted is None:
            return None
        return self.trainable, 2 * len(self.adapted[1])

    # --- the machine ---

    @cached_property
    def memory(self) -> int:
        """Bytes of memory that this process may use in all, swap aside."""
        return of_machine()
