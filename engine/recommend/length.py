"""`max_length`: as long as the rows are, where that is possible."""

from __future__ import annotations

import math
from typing import Final

from engine.recommend.situation import Situation
from engine.recommend.values import Plan, Value

_STEP: Final = 64
"""Lengths are rounded up to whole steps: rows that are a little longer come later."""
_FAR: Final = 4
"""Times the 99th percentile beyond which the longest rows are others than the rest."""
_WINDOW: Final = 1024
"""Tokens of a window of plain text: TRL's default for SFT."""


def length(situation: Situation, plan: Plan) -> None:
    """The length that cuts nothing, or as little as the model's context allows."""
    context = situation.context
    if situation.lengths.streams:
        plan.put(_window(context))
        return
    if not situation.has_tokens:
        return
    whole = 1 << 30
    p99, longest = situation.lengths.quantiles([0.99, 1.0], whole)
    odd = longest > _FAR * p99
    wanted = _up(p99 * 5 // 4 if odd else longest)
    if context is not None and wanted > context:
        plan.put(_to_the_end(situation, context, longest))
    elif odd:
        cut = situation.lengths.truncated_rows(wanted)
        plan.put(
            Value(
                field="max_length", value=wanted, source="data", confidence=0.7,
                reason=f"All but {_rows(cut)} are shorter; the longest has {longest:,} tokens, and memory "
                "would be set aside for it alone.",
            )
        )  # fmt: skip
    else:
        plan.put(
            Value(
                field="max_length", value=wanted, source="data", confidence=0.9,
                reason=f"The longest row has {longest:,} tokens: no answer loses its end.",
            )
        )  # fmt: skip


def _window(context: int | None) -> Value:
    window = min(context or _WINDOW, _WINDOW)
    return Value(
        field="max_length", value=window, source="data" if window < _WINDOW else "default", confidence=0.6,
        reason=f"Plain text is learnt in windows; {window:,} tokens "
        + ("are all that the model reads." if window < _WINDOW else "are TRL's default."),
    )  # fmt: skip


def _to_the_end(situation: Situation, context: int, longest: int) -> Value:
    cut = situation.lengths.truncated_rows(context)
    documents = sum(rows for tokens, rows in situation.lengths.documents.items() if tokens > context)
    lost = f"{_rows(cut)} are cut" if cut else f"{_rows(documents)} become several windows"
    return Value(
        field="max_length", value=context, source="data", confidence=0.8,
        reason=f"The model reads no more; the longest row has {longest:,} tokens, and {lost}.",
    )  # fmt: skip


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _up(tokens: int) -> int:
    return max(math.ceil(tokens / _STEP) * _STEP, _STEP)
