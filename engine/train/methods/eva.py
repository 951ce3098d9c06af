"""EVA: LoRA starts from what the rows look like inside the model (arXiv 2410.07170)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy
from typing import Any, Final

import torch
from peft import EvaConfig, PeftModel, initialize_lora_eva_weights
from peft.utils.incremental_pca import IncrementalPCA

from engine.train.batches.collate import Micro
from engine.train.methods.starts import lora_layers

_SPREAD: Final = 2.0
"""How far above its share a layer's rank may rise, where its inputs vary more: peft's `rho`."""
_ALIKE: Final = 0.99
"""Cosine between a direction before and after a batch from which on it counts as found: peft's `tau`."""


@torch.no_grad()
def begin_from_data(model: PeftModel, micros: Iterable[Micro]) -> bool:
    """Let A of each layer be the main directions of its inputs, and share ranks out by how much they tell.

    The inputs are those at positions that something is learnt at, of micro-batches that have an end.

    Returns:
        False where they were too few, and the model is as it was.
    """
    ranks = {path: layer.r["default"] for path, layer in lora_layers(model)}
    eyes: dict[str, _Eye] = {}
    was_training = model.training
    model.eval()
    with model.disable_adapter():
        for micro in micros:
            _look(model, ranks, eyes, micro)
            if all(eye.settled for eye in eyes.values()):
                break
    model.train(was_training)
    if not eyes or not all(eye.directions.numel() for eye in eyes.values()):
        return False
    config = model.peft_config["default"]
    config.init_lora_weights, config.eva_config = "eva", EvaConfig(rho=_SPREAD)
    counts = _shared_out(eyes, ranks)
    initialize_lora_eva_weights(
        model, eva_state_dict={path: eyes[path].directions[:count] for path, count in counts.items()}
    )
    config.init_lora_weights, config.eva_config = True, None
    return True


class _Eye:
    """The directions in which the inputs of a layer vary most, learnt a batch at a time."""

    def __init__(self, components: int) -> None:
        self._pca = IncrementalPCA(n_components=components)
        self._least = components
        self._waiting: list[torch.Tensor] = []
        self.settled = False

    @property
    def directions(self) -> torch.Tensor:
        """(components, in) of length 1, what tells most first; empty before there were enough inputs."""
        return getattr(self._pca, "components_", torch.empty(0))

    @property
    def shares(self) -> list[float]:
        """The share of all variance that each direction holds."""
        return [float(share) for share in self._pca.explained_variance_ratio_]

    def see(self, inputs: torch.Tensor) -> None:
        """Take (N, in) inputs; fewer than there are directions wait for the next ones."""
        self._waiting.append(inputs.float())
        if sum(len(one) for one in self._waiting) < self._least:
            return
        before = copy(self.directions)
        self._pca.partial_fit(torch.cat(self._waiting))
        self._waiting = []
        if before.numel():
            alike = torch.nn.functional.cosine_similarity(before, self.directions).abs()
            self.settled = bool((alike > _ALIKE).all())


def _look(model: PeftModel, ranks: dict[str, int], eyes: dict[str, _Eye], micro: Micro) -> None:
    """Show every layer's inputs of one micro-batch to its eye; layers with the same input have one eye."""
    last: list[Any] = [None, None]

    def hook(path: str, layer: Any) -> Any:
        def see(_: Any, args: tuple[torch.Tensor, ...]) -> None:
            if args[0] is last[0]:
                eyes[path] = last[1]
                return
            most = min(round(_SPREAD * ranks[path]), layer.in_features)
            eye = eyes.setdefault(path, _Eye(most))
            last[:] = args[0], eye
            if not eye.settled:
                eye.see(args[0].reshape(-1, args[0].shape[-1])[micro.keep])

        return layer.register_forward_pre_hook(see)

    hooks = [hook(path, layer) for path, layer in lora_layers(model)]
    try:
        model(input_ids=micro.ids, attention_mask=micro.attention, use_cache=False)
    finally:
        for one in hooks:
            one.remove()


def _shared_out(eyes: dict[str, _Eye], ranks: dict[str, int]) -> dict[str, int]:
    """A rank for each layer, as many in all as `ranks`, where the directions tell most."""
    told = [(share, path) for path in ranks for share in eyes[path].shares]
    best = sorted(told, key=lambda one: (-one[0], one[1]))[: sum(ranks.values())]
    counts = Counter(path for _, path in best)
    return {path: counts[path] for path in ranks}
