"""The first guess: what has been published, held against the size of the model and of the data.

Sources: QLoRA (arXiv 2305.14314), LoRA Without Regret (Thinking Machines, 2025; doi 10.64434/tml.20250929)
with its authors' Tinker cookbook, rsLoRA (arXiv 2312.03732), and the settings of other trainers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from engine.recipe.recipe import RATE_FOR_PAIRS
from engine.recommend.situation import Situation
from engine.recommend.values import Plan, Source, Value

QLORA: Final = "QLoRA, arXiv 2305.14314"
REGRET: Final = "LoRA Without Regret, doi 10.64434/tml.20250929"
RSLORA: Final = "rsLoRA, arXiv 2312.03732"
HANDBOOK: Final = "Alignment Handbook, LoRA recipes for DPO"
DPO: Final = "DPO, arXiv 2305.18290"

_BASE_RATE: Final = 5e-4
_WIDTH: Final = 2000
_EXPONENTS: Final = {"llama": 0.781, "qwen2": 0.0775, "qwen3": 0.0775}
"""The cookbook's rate is 5e-4 · (2000 / width) to the power of the family's exponent."""
_ANY_EXPONENT: Final = 0.43
"""The middle of the two families that were measured."""
_MEASURED: Final = range(1000, 8193)
"""Widths of the models that the formula comes from."""
_HIGHEST: Final = 1e-2
_SHORT: Final = 100
"""Steps below which 15 times full fine-tuning's rate was best rather than 10 times."""
_LARGE: Final = 13_000_000_000
"""Parameters above which QLoRA halves its rate."""
_RANKS: Final = (16, 32, 64, 128, 256)
_HIGH_RANK: Final = 64
"""From here on QLoRA's alpha / rank makes updates small, and rsLoRA's root of it does not."""
_ALPHA: Final = 32.0
_RS_ALPHA: Final = 16.0
_BATCHES: Final = (16, 8, 4)
_ENOUGH_STEPS: Final = 100
_EPOCHS: Final = ((1_000, 5.0), (20_000, 3.0), (100_000, 2.0))
"""Epochs by rows below: Guanaco and Alpaca-LoRA had 3 of 9,000 and 52,000, LIMA 15 of 1,000."""


def objective(situation: Situation, plan: Plan) -> None:
    """What is learnt: pairs are compared."""
    if situation.pairs and situation.recipe.objective == "sft":
        plan.put(
            Value(
                field="objective", value="dpo", source="data", confidence=0.8, cites=[DPO],
                reason="The rows are pairs of a better and a worse answer. orpo would learn the better ones "
                "too, for a model that cannot answer yet.",
            )
        )  # fmt: skip


def adapter(situation: Situation, plan: Plan) -> None:
    """Method, layers, rank and scale."""
    plan.put(
        Value(
            field="method", value="lora", source="published", confidence=0.8, cites=[REGRET],
            reason="On datasets of the usual sizes it learns as well as full fine-tuning, with a fraction of "
            "the memory.",
        ),
        Value(
            field="target_modules", value="all-linear", source="published", confidence=0.85,
            cites=[QLORA, REGRET],
            reason="Adapters on attention alone learn less even with as many weights; the MLPs matter most.",
        ),
    )  # fmt: skip
    if plan.recipe.method not in ("lora", "adalora"):
        return
    plan.put(_rank(situation, plan))
    rank = plan.recipe.lora_r
    if rank >= _HIGH_RANK and plan.recipe.method == "lora":
        plan.put(
            Value(
                field="use_rslora", value=True, source="published", confidence=0.6, cites=[RSLORA],
                reason=f"At rank {rank} alpha / rank makes each update small; alpha / root of rank does not.",
            ),
            Value(
                field="lora_alpha", value=_RS_ALPHA, source="published", confidence=0.55, cites=[RSLORA],
                reason=f"With rsLoRA this multiplies by {_RS_ALPHA / math.sqrt(rank):.2g}, where rank 16 "
                "usually has 2.",
            ),
        )  # fmt: skip
        return
    plan.put(
        Value(
            field="lora_alpha", value=_ALPHA, source="published", confidence=0.65, cites=[REGRET],
            reason="With alpha held at 32 the best rate hardly depends on the rank.",
        )
    )  # fmt: skip


def _rank(situation: Situation, plan: Plan) -> Value:
    learnt = situation.learnt(plan.recipe.max_length)
    each = situation.capacity(plan.recipe)
    if not learnt or not each:
        return Value(
            field="lora_r", value=_RANKS[0], source="default", confidence=0.4, cites=[REGRET],
            reason="TRL's default; how much there is to learn could not be counted.",
        )  # fmt: skip
    width = situation.model.hidden
    ranks = [rank for rank in _RANKS if rank <= max(width // 2, _RANKS[0])]
    rank = next((rank for rank in ranks if rank * each >= learnt), ranks[-1])
    holds = rank * each >= learnt
    verdict = "enough for" if holds else "the most that makes sense here, against"
    return Value(
        field="lora_r", value=rank, source="data", confidence=0.65 if holds else 0.5, cites=[REGRET],
        reason=f"Its {rank * each:,} parameters are {verdict} the {learnt:,} tokens of an epoch that are "
        "learnt: an adapter should have about as many as there are tokens.",
    )  # fmt: skip


def course(situation: Situation, plan: Plan) -> None:
    """How often, and how much at a time: epochs, rows a step, what is measured."""
    recipe, rows = plan.recipe, situation.rows_at(plan.recipe.max_length)
    if rows is None:
        return
    plan.put(_held_out(situation, rows), _epochs(situation, plan, rows))
    plan.put(*_batch(situation, plan, _BATCHES))
    if recipe.paired or recipe.max_steps > 0:
        return
    steps = situation.steps(plan.recipe) or 1
    if plan.recipe.num_train_epochs > 1:
        plan.put(
            Value(
                field="eval_steps", value=max(steps // 10, 1), source="data", confidence=0.7,
                reason=f"Ten looks at the held-out rows in {steps:,} steps.",
            ),
            Value(
                field="load_best_model_at_end", value=True, source="data", confidence=0.7,
                reason="Rows are seen more than once: the best moment may come before the last.",
            ),
        )  # fmt: skip


def _held_out(situation: Situation, rows: int) -> Value | None:
    if situation.recipe.eval_entries or rows >= 500 or rows < 20:
        return None
    return Value(
        field="eval_split", value=0.1, source="data", confidence=0.6,
        reason=f"Of {rows:,} rows a twentieth is {round(rows * 0.05)}, too few to tell anything by.",
    )  # fmt: skip


def _epochs(situation: Situation, plan: Plan, rows: int) -> Value:
    noun = "windows" if situation.is_text else "rows"
    if plan.recipe.paired:
        return Value(
            field="num_train_epochs", value=1.0, source="published", confidence=0.6, cites=[HANDBOOK],
            reason="Preferences are learnt in one pass; more drift from the model.",
        )  # fmt: skip
    epochs = next((epochs for below, epochs in _EPOCHS if rows < below), 1.0)
    return Value(
        field="num_train_epochs", value=epochs, source="data", confidence=0.5,
        reason=f"There are {rows:,} {noun}: fewer are seen more often. Other trainers ship 1 to 5.",
    )  # fmt: skip


def _batch(situation: Situation, plan: Plan, batches: tuple[int, ...]) -> tuple[Value, Value]:
    """Rows a step, all of them at a time: what fits is decided by memory."""
    rows = situation.trained(plan.recipe) or 1
    passes = plan.recipe.num_train_epochs
    fitting = [size for size in batches if rows * passes / size >= _ENOUGH_STEPS]
    size = fitting[0] if fitting else batches[-1]
    steps = max(round(rows * passes / size), 1)
    reason = (
        f"{size} rows a step make {steps:,} steps. QLoRA takes 16; LoRA loses more by large batches than "
        "full fine-tuning does, so below 32."
    )
    return rows_a_step(size, reason, "data", 0.55, [REGRET, QLORA])


def rows_a_step(
    size: int,
    reason: str,
    source: Source,
    confidence: float,
    cites: Sequence[str] = (),
    runs: Sequence[str] = (),
) -> tuple[Value, Value]:
    """The two fields that come to `size` rows a step, all of them at a time."""
    rows = Value(
        field="per_device_train_batch_size", value=size, reason=reason, source=source, confidence=confidence,
        cites=list(cites), runs=list(runs),
    )  # fmt: skip
    at_once = f"All {size} rows of a step at a time."
    return rows, replace(rows, field="gradient_accumulation_steps", value=1, reason=at_once)


def rates(situation: Situation, plan: Plan) -> None:
    """The rate, how it rises and how it falls."""
    steps = situation.steps(plan.recipe)
    plan.put(_rate(situation, plan, steps))
    plan.put(
        Value(
            field="lr_scheduler_type", value="cosine", source="published", confidence=0.5,
            cites=["Axolotl and LLaMA-Factory examples"],
            reason="Usual for LoRA; QLoRA held the rate constant. The difference is small.",
        ),
        _warmup(steps),
    )  # fmt: skip


def _warmup(steps: int | None) -> Value:
    ratio = 0.03 if steps is None or steps >= 170 else round(min(max(5 / steps, 0.03), 0.1), 2)
    return Value(
        field="warmup_ratio", value=ratio, source="published", confidence=0.6, cites=[QLORA],
        reason="QLoRA's 0.03." if ratio == 0.03 else f"About five of {steps:,} steps: 0.03 would be hardly "
        "one.",
    )  # fmt: skip


def _rate(situation: Situation, plan: Plan, steps: int | None) -> Value | None:
    recipe, model = plan.recipe, situation.model
    if recipe.method not in ("lora", "adalora"):
        return None
    if recipe.paired:
        return Value(
            field="learning_rate", value=RATE_FOR_PAIRS, source="published", confidence=0.6,
            cites=[HANDBOOK, "LLaMA-Factory"],
            reason="Preferences take a fortieth of the usual rate, else the model forgets how to write.",
        )  # fmt: skip
    if not model.hidden:
        return Value(
            field="learning_rate", value=2e-4, source="published", confidence=0.5, cites=[QLORA],
            reason="QLoRA's rate up to 13B; nothing is known of this model's size.",
        )  # fmt: skip
    rate = guessed_rate(model.family, model.hidden, model.parameters, steps)
    if model.parameters > _LARGE:
        return Value(
            field="learning_rate", value=rate, source="published", confidence=0.6, cites=[QLORA, REGRET],
            reason="QLoRA takes 1e-4 above 13B.",
        )  # fmt: skip
    inside = model.hidden in _MEASURED and model.family in _EXPONENTS
    brief = f" Runs of fewer than {_SHORT} steps want half as much again." if _brief(steps) else ""
    far = "" if inside else " The models it was measured on are others: a guess."
    return Value(
        field="learning_rate", value=rate, source="published", confidence=0.65 if inside else 0.4,
        cites=[REGRET, QLORA],
        reason=f"Ten times full fine-tuning's rate, by the model's width of {model.hidden:,}.{brief}{far}",
    )  # fmt: skip


def guessed_rate(family: str, width: int, parameters: int, steps: int | None) -> float:
    """The published rate for LoRA on a model, two digits of it.

    Args:
        family: `model_type` of its configuration.
        width: of its hidden states, above 0.
        parameters: 0 where unknown.
        steps: of the run; None where unknown.
    """
    if parameters > _LARGE:
        return 1e-4
    rate = _BASE_RATE * (_WIDTH / width) ** _EXPONENTS.get(family, _ANY_EXPONENT)
    return two_digits(min(rate * (1.5 if _brief(steps) else 1.0), _HIGHEST))


def _brief(steps: int | None) -> bool:
    return steps is not None and steps < _SHORT


def two_digits(value: float) -> float:
    """`value` to two digits."""
    return float(f"{value:.1e}")
