"""The base model's loss on the answers of single rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM

from engine.data.encode import Labelled
from engine.train.batches.collate import Micro
from engine.train.objectives.loss import LabelledOnly, summed_loss

_SMALL: Final = 64 << 20
"""Bytes of weights up to which one thread does as well as several."""
MOST_LABELS: Final = 512
"""Tokens of an answer that are measured: their logits are the largest tensor."""


class BaseModel:
    """A model as it comes, asked for one row at a time.

    Args:
        folder: the model's files.
        device: `cpu`, or a card such as `cuda:0`.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device("cuda:0" if device != "cpu" and torch.cuda.is_available() else "cpu")
        if sum(file.stat().st_size for file in folder.glob("*.safetensors")) <= _SMALL:
            torch.set_num_threads(1)
        half = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        self._model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16 if half else torch.float32, trust_remote_code=False
        ).to(self._device)
        self._model.eval()
        self._head = LabelledOnly(self._model.get_output_embeddings())

    def loss(self, row: Labelled, max_length: int) -> tuple[float, int]:
        """Mean loss in nats over the first learnt tokens of `row` cut at `max_length`, and their number."""
        labels = [at for at, learnt in enumerate(row.mask[:max_length]) if learnt and at][:MOST_LABELS]
        if not labels:
            return 0.0, 0
        micro = self._micro(row.ids[: labels[-1] + 1], labels)
        with torch.inference_mode():
            total = float(summed_loss(self._model, self._head, micro))
        return total / len(labels), len(labels)

    def _micro(self, ids: Sequence[int], labels: Sequence[int]) -> Micro:
        whole = torch.tensor([list(ids)], device=self._device)
        at = torch.tensor(labels, device=self._device)
        return Micro(ids=whole, attention=None, keep=at - 1, targets=whole[0, at])
