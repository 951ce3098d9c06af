"""Situations and past runs, made up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.findings import Category, Severity
from engine.inspection.lengths import Lengths
from engine.lessons.lesson import DataPrint, Lesson, ModelPrint, Seen
from engine.memory.limit import Limit
from engine.recipe.recipe import Recipe
from engine.recommend.situation import Situation

LLAMA = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 8192,
}  # fmt: skip
"""As large as Llama 3 8B."""
CARD = 1 << 30


def lengths(tokens: Mapping[int, int], learnt: int = 50) -> Lengths:
    """So many rows of so many tokens, of which the last ones are learnt."""
    found = Lengths()
    for length, rows in tokens.items():
        for _ in range(rows):
            found.add(bytes(length - learnt) + b"\x01" * learnt)
    return found


def situation(
    tokens: Mapping[int, int] | None = None, gib: int = 80, config: dict[str, Any] = LLAMA, **changes: Any
) -> Situation:
    """An 8B model on a large card with 5,000 rows of up to 700 tokens, unless said otherwise."""
    counted = lengths({300: 4000, 700: 1000} if tokens is None else tokens)
    recipe = Recipe(model="some/model", data="/data/rows.jsonl", **changes.pop("recipe", {}))
    given: dict[str, Any] = {
        "recipe": recipe, "config": config, "context": config.get("max_position_embeddings"),
        "lengths": counted, "rows": sum(counted.rows.values()), "form": "chat", "shape": "messages",
        "limit": Limit(bytes=gib * CARD, name="the card", cuda=True),
    }  # fmt: skip
    return Situation(**(given | changes))


def lesson(
    run: str,
    loss: float | None = 1.0,
    *,
    files: str = "/data/other.jsonl",
    model: str = "some/model",
    broke: Category | None = None,
    severity: Severity = "blocker",
    status: str = "",
    hardware: str = "the card",
    **fields: Any,
) -> Lesson:
    """A run of 1,000 steps with the default recipe but for `fields`."""
    recipe = msgspec.structs.asdict(Recipe(model=model, data=files, **fields))
    seen = [] if broke is None else [Seen(name=broke, category=broke, severity=severity, title=broke)]
    return Lesson(
        run=run,
        created=float(run) if run.isdigit() else 0.0,
        status=status or ("failed" if broke else "succeeded"),
        reason=broke or "",
        model=ModelPrint(
            name=model, family="llama", parameters=8_000_000_000, layers=32, hidden=4096, vocabulary=128256
        ),
        data=DataPrint(
            files=[files], rows=4750, eval_rows=250, tokens=10**6, label_tokens=10**5, form="chat"
        ),
        hardware=hardware,
        recipe=recipe,
        steps=1000,
        planned=1000,
        eval_loss=loss,
        first_eval_loss=2.0,
        findings=seen,
    )


def bowl(rate: float, best: float) -> float:
    """A held-out loss that is lowest at the rate `best`: three times that costs about a tenth."""
    return math.exp(0.04 * math.log2(rate / best) ** 2)
