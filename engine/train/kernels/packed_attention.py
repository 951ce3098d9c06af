"""Attention over rows that lie end to end in one, each of which sees itself alone.

transformers hands a model's attention to a function by name; ours takes the rows' lengths in the
place of the mask, so that block-diagonal attention is exact and costs nothing between rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME: Final = "openlora_packed"
_PROOF: Final = (7, 11)
"""Tokens of the rows that prove it, beyond what a token sees at most: few, and no multiples of each other."""
_SEEN: Final = ("sliding_window", "attention_chunk_size", "window_size")
"""What configurations call the number of tokens that attention reaches back in some of its layers."""
_NARROW: Final = (torch.float16, torch.bfloat16)
_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 1e-2}
"""Share of the largest logit by which two orders of adding may differ."""


def lengths_for(rows: Sequence[int]) -> torch.Tensor:
    """What stands in the place of the attention mask: (1, 1, 1, rows) int32, on the host.

    Masks of four dimensions pass through transformers untouched, and reach every layer.
    """
    return torch.tensor(rows, dtype=torch.int32).reshape(1, 1, 1, -1)


def takes_lengths(model: PreTrainedModel) -> bool:
    """Give `model` the attention that takes rows end to end, where its code lets others attend for it."""
    if model.config._attn_implementation != "sdpa" or not model._can_set_attn_implementation():
        return False
    model.set_attn_implementation(NAME)
    return True


def can_pack(model: PreTrainedModel, longest: int) -> bool:
    """Prepare `model` for rows end to end; True where they then give what each gives alone.

    Layers that mix tokens without attention (state spaces, convolutions), or that pass no mask on, do not.
    Where some see fewer tokens than the `longest` row has, the rows that prove it are longer than that.
    """
    if not takes_lengths(model):
        return False
    if _proved(model, longest):
        return True
    model.set_attn_implementation("sdpa")
    return False


def _proved(model: PreTrainedModel, longest: int) -> bool:
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _same(model, _reach(model, longest))
    except Exception:  # an architecture that cannot take such a mask says so in its own way
        return False
    finally:
        model.train(was_training)


def _reach(model: PreTrainedModel, longest: int) -> int:
    """Tokens that the layer with the longest memory sees of rows that are longer; 0 where all see all."""
    config = model.config.get_text_config()
    widths = [width for name in _SEEN if isinstance(width := getattr(config, name, None), int)]
    return max((width for width in widths if 0 < width < longest), default=0)


def _same(model: PreTrainedModel, reach: int) -> bool:
    """Whether two rows end to end get the logits at their ends that each gets alone."""
    lengths = [reach + tokens for tokens in _PROOF]
    table = model.get_input_embeddings().weight
    ids = (torch.arange(sum(lengths), device=table.device) * 7919 + 13) % table.shape[0]
    rows = ids.split(lengths)
    alone = torch.cat([_ends(model, [len(row)], input_ids=row[None]) for row in rows])
    positions = torch.cat([torch.arange(len(row), device=table.device) for row in rows])
    mask = lengths_for(lengths)
    together = _ends(model, lengths, input_ids=ids[None], attention_mask=mask, position_ids=positions[None])
    tolerance = _TOLERANCE.get(together.dtype, 0.0) * alone.abs().max()
    return bool((together - alone).abs().max() <= tolerance)


def _ends(model: PreTrainedModel, lengths: Sequence[int], **given: torch.Tensor) -> torch.Tensor:
    """The logits of the last tokens of rows of these lengths; those of all might fill the memory."""
    last = torch.cat([torch.arange(end - min(_PROOF), end) for end in accumulate(lengths)])
    last, head = last.to(given["input_ids"].device), model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, args: (args[0][:, last], *args[1:])) if head else None
    try:
        logits: torch.Tensor = model(**given, use_cache=False).logits[0]
    finally:
        if hook is not None:
            hook.remove()
    return logits if hook is not None else logits[last]


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """(1, heads, T, d) each, T the tokens of all rows; without lengths this is SDPA with its mask."""
    if attention_mask is None or attention_mask.dtype != torch.int32:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling,
            sliding_window=sliding_window, **more,
        )  # fmt: skip
        return found
    if (
        query.is_cuda
        and query.dtype in (torch.float16, torch.bfloat16)
        and not dropout
        and not more.get("softcap")
    ):
        return _flash(query, key, value, attention_mask, scaling, sliding_window), None
    lengths: list[int] = attention_mask.flatten().tolist()
    rows = zip(*(torch.split(tensor, lengths, dim=2) for tensor in (query, key, value)), strict=True)
    seen = [
        sdpa_attention_forward(
            module, q, k, v, _window(q, sliding_window), dropout=dropout, scaling=scaling, **more
        )[0]
        for q, k, v in rows
    ]
    return torch.cat(seen, dim=1), None


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: torch.Tensor,
    scaling: float | None,
    sliding_window: int | None,
) -> torch.Tensor:
    """All rows in one kernel; (1, T, heads, d)."""
    counts = lengths.flatten()
    ends = nn.functional.pad(counts.cumsum(0, dtype=torch.int32), (1, 0)).to(query.device, non_blocking=True)
    longest = int(counts.max())
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    window = (-1 if sliding_window is None else sliding_window - 1, 0)
    found = varlen_attn(
        q, k, v, ends, ends, longest, longest, scale=scaling, window_size=window,
        enable_gqa=k.shape[1] != q.shape[1],
    )  # fmt: skip
    assert isinstance(found, torch.Tensor)
    return found[None]


def _window(query: torch.Tensor, width: int | None) -> torch.Tensor | None:
    """A mask for rows longer than a sliding window; None where attention is merely causal."""
    tokens = query.shape[2]
    if width is None or tokens <= width:
        return None
    at = torch.arange(tokens, device=query.device)
    behind = at[:, None] - at
    return ((behind >= 0) & (behind < width))[None, None]


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
