"""What the recipe's numbers come to together: steps, rates, and what happens at which of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from engine.findings import Category, Finding, Patch, Severity
from engine.model.layers import parameters_of
from engine.preflight.patches import patch, remedy
from engine.preflight.subject import RANKED, Subject
from engine.recipe.edit import written
from engine.recipe.recipe import RATE_FOR_PAIRS, Recipe

_FEW_STEPS: Final = 20
"""Steps below which a run hardly moves its adapter: the measure of the Recipe screen's line."""
_SLOW: Final = 3e-5
_FAST: Final = 2e-3
"""Most of 18 trainers ship 5e-5 to 1e-3 for LoRA; 2e-5, usual for full fine-tuning, is a tenth of what LoRA
wants (LoRA Without Regret, 2025)."""
_FAST_FOR_PAIRS: Final = 1e-4
"""Twenty times what is usual."""
_USUAL: Final = 2.0
"""Twice the rank is the usual alpha; a larger one works like a larger rate (MLX-LM ships 20 with 1e-5)."""
_UNIT: Final = {"lion_32bit": 0.25, "lion_8bit": 0.25, "sgd": 100.0}
"""What 1 is of AdamW's rates: Lion wants 3 to 10 times less (arXiv 2302.06675), SGD's steps shrink with the
gradient, which max_grad_norm holds below 1 over all weights together."""
_FACTORS: Final = (0.06, 8.0)
"""Bounds of alpha / rank: the same trainers ship 0.25 to 4, TRL's recipe for rank 256 has 16 / 256."""
_TINY: Final = 50_000_000
"""Parameters below which a model takes rates far above the usual ones."""
_PASSES: Final = 10
"""Passes over the rows from which on they are learnt by heart: the trainers above ship 1 to 5."""
_LEAST_ROWS, _FEW_ROWS = 10, 50
"""Below 10 rows OpenAI's fine-tuning refuses to begin, and its guide sees improvements from 50 to 100 on."""
_LONG: Final = 500
"""Steps that a run should not lose at once: transformers' default for save_steps."""


def look(subject: Subject) -> Iterator[Finding]:
    """What is odd about the numbers, the gravest first."""
    recipe = subject.recipe
    yield from _rates(subject)
    if recipe.method in RANKED and (subject.adapted is None or subject.saved is None):
        yield from _factor(recipe)
    if subject.size.steps is not None:
        yield from _steps(subject, subject.size.steps)
    if subject.size.rows:
        yield from _rows(subject, subject.size.rows)
    yield from _best(recipe)


def _best(recipe: Recipe) -> Iterator[Finding]:
    wish = "early_stopping_patience" if recipe.early_stopping_patience else "load_best_model_at_end"
    if recipe.early_stopping_patience and not recipe.eval_steps:
        yield _odd(
            "hyperparameter", "warning", "The run cannot end early: nothing is evaluated on the way",
            [f"early_stopping_patience is {recipe.early_stopping_patience}", "eval_steps is 0"],
            cause="Patience counts evaluations, and there is only the one after the last step.",
            change=patch(recipe, eval_steps=50),
        )  # fmt: skip
    if recipe.takes_best and not recipe.eval_entries and not recipe.eval_split:
        yield _odd(
            "hyperparameter", "warning", "There is no evaluation to choose the best adapter by",
            [f"{wish} is on", "eval_split is 0 and there is no eval_data"],
            cause="The best is the one with the lowest evaluation loss.",
            change=patch(recipe, eval_split=0.05),
        )  # fmt: skip


def _rates(subject: Subject) -> Iterator[Finding]:
    recipe = subject.recipe
    if recipe.method not in RANKED:
        return
    rank, alpha = (
        (subject.saved.rank, subject.saved.alpha) if subject.saved else (recipe.lora_r, recipe.lora_alpha)
    )
    unit = _UNIT.get(recipe.optim, 1.0)
    rate = recipe.learning_rate / unit * max(_scale(recipe, rank, alpha) / _USUAL, 1.0)
    learner = f"LoRA by {recipe.optim}" if unit != 1.0 else "LoRA"
    shown = [f"learning_rate {written(recipe.learning_rate)}, alpha / rank {alpha:g} / {rank}"]
    small = subject.tensors and parameters_of(subject.tensors) < _TINY
    if recipe.paired:
        if rate > _FAST_FOR_PAIRS and not small:
            yield _odd(
                "hyperparameter", "warning",
                f"A learning rate of {written(recipe.learning_rate)} is high for {recipe.objective}", shown,
                cause="Preferences take small steps; with large ones the model forgets how to write.",
                change=patch(recipe, learning_rate=RATE_FOR_PAIRS), confidence=0.7,
            )  # fmt: skip
        return
    if rate < _SLOW and recipe.adapter is None:
        yield _odd(
            "hyperparameter", "warning",
            f"A learning rate of {written(recipe.learning_rate)} is low for {learner}", shown,
            cause="LoRA wants about ten times the rate of full fine-tuning; with less the loss hardly moves.",
            change=patch(recipe, learning_rate=2e-4 * unit), confidence=0.7,
        )  # fmt: skip
    if rate > _FAST and not small:
        yield _odd(
            "loss_spike_divergence", "warning",
            f"A learning rate of {written(recipe.learning_rate)} is high for {learner}", shown,
            cause="With so large steps the loss jumps, or turns into NaN.",
            change=patch(recipe, learning_rate=2e-4 * unit), confidence=0.7,
        )  # fmt: skip


def _factor(recipe: Recipe) -> Iterator[Finding]:
    factor = _scale(recipe, recipe.lora_r, recipe.lora_alpha)
    if _FACTORS[0] <= factor <= _FACTORS[1]:
        return
    much = "far" if factor > _FACTORS[1] else "hardly"
    root = "root of " * recipe.use_rslora
    usual = 2 * math.sqrt(recipe.lora_r) if recipe.use_rslora else 2 * recipe.lora_r
    yield _odd(
        "hyperparameter", "warning", f"alpha / {root}rank is {factor:g}: the adapter's output counts {much}",
        [f"lora_alpha {recipe.lora_alpha:g}, lora_r {recipe.lora_r}"],
        cause=f"The output is multiplied by alpha / {root}rank; usual are 0.5 to 4.",
        change=patch(recipe, lora_alpha=float(round(usual))), confidence=0.7,
    )  # fmt: skip


def _scale(recipe: Recipe, rank: int, alpha: float) -> float:
    """By what the adapter's output is multiplied."""
    return alpha / (math.sqrt(max(rank, 1)) if recipe.use_rslora else max(rank, 1))


def _steps(subject: Subject, steps: int) -> Iterator[Finding]:
    recipe = subject.recipe
    measured = bool(recipe.eval_entries) or subject.size.held > 0
    if steps < _FEW_STEPS:
        yield _odd(
            "hyperparameter", "warning", f"The run has {steps:,} steps, which is few",
            [f"{recipe.step_rows:,} rows a step"],
            cause="So few steps hardly move an adapter.",
            do="More epochs, smaller batches, or more rows.",
            change=_smaller_steps(subject), confidence=0.7,
        )  # fmt: skip
    warmup = math.ceil(steps * recipe.warmup_ratio)
    if steps > 1 and warmup > steps / 2:
        yield _odd(
            "hyperparameter", "warning", f"Warm-up takes {warmup:,} of the {steps:,} steps",
            [f"warmup_ratio {recipe.warmup_ratio:g}"],
            cause="The rate is below its peak for most of the run.",
            change=patch(recipe, warmup_ratio=0.03),
        )  # fmt: skip
    if measured and recipe.eval_steps >= steps > _FEW_STEPS:
        yield _odd(
            "overfit_memorising", "note", "The held-out rows are measured only before and after the run",
            [f"eval_steps {recipe.eval_steps:,}, the run has {steps:,}"],
            cause="When the loss on them begins to rise is not seen.",
            change=patch(recipe, eval_steps=max(steps // 5, 1)),
        )  # fmt: skip
    if steps >= _LONG and not 0 < recipe.save_steps < steps:
        yield _odd(
            "save_or_disk", "warning", f"Nothing is saved before the last of {steps:,} steps",
            [f"save_steps {recipe.save_steps:,}"],
            cause="A power cut or a crash loses the whole run.",
            change=patch(recipe, save_steps=100),
        )  # fmt: skip


def _rows(subject: Subject, rows: int) -> Iterator[Finding]:
    recipe, steps = subject.recipe, subject.size.steps
    if rows < _FEW_ROWS:
        least = rows < _LEAST_ROWS
        yield _odd(
            "empty_or_tiny_dataset", "warning" if least else "note",
            f"There {'is' if rows == 1 else 'are'} only {rows:,} row{'' if rows == 1 else 's'} to learn from",
            [f"fewer than {_LEAST_ROWS if least else _FEW_ROWS}"],
            cause="So few rows are learnt by heart rather than understood.",
            do="Add rows: some 50 to 100 good ones are the least that shows, LIMA (2023) took 1,000.",
            confidence=0.7,
        )  # fmt: skip
    if recipe.step_rows > rows:
        yield _odd(
            "hyperparameter", "warning", f"A step takes {recipe.step_rows:,} rows, and there are {rows:,}",
            [f"per_device_train_batch_size {recipe.per_device_train_batch_size}, gradient_accumulation_steps "
             f"{recipe.gradient_accumulation_steps}"],
            cause="Each step is a whole epoch, and there are only as many steps as epochs.",
            change=_smaller_steps(subject),
        )  # fmt: skip
    if steps is None:
        return
    passes = steps * min(recipe.step_rows, rows) / rows
    if passes >= _PASSES:
        word = "max_steps" if recipe.max_steps > 0 else "num_train_epochs"
        value = max(math.ceil(3 * rows / recipe.step_rows), 1) if recipe.max_steps > 0 else 3.0
        yield _odd(
            "overfit_memorising", "warning", f"Each of the {rows:,} rows is seen {passes:.0f} times",
            [f"{word} {getattr(recipe, word):g}"],
            cause="Rows that are seen so often are learnt by heart: the evaluation loss rises.",
            change=patch(recipe, **{word: value}), confidence=0.7,
        )  # fmt: skip
    elif passes < 0.99:
        yield _odd(
            "hyperparameter", "note", f"{1 - passes:.0%} of the rows are never seen",
            [f"{steps:,} steps of {recipe.step_rows:,} rows, {rows:,} rows"],
            cause="max_steps ends the run before its first epoch does." if recipe.max_steps > 0 else "",
        )  # fmt: skip


def _smaller_steps(subject: Subject) -> Patch | None:
    """Fewer rows a step, so that there are enough steps; None where that is not possible."""
    recipe, rows = subject.recipe, subject.size.rows
    if recipe.max_steps > 0 or recipe.gradient_accumulation_steps == 1 or rows is None:
        return None
    batch = min(rows * recipe.num_train_epochs / _FEW_STEPS, rows)
    less = max(int(batch / recipe.per_device_train_batch_size), 1)
    return patch(recipe, gradient_accumulation_steps=min(less, recipe.gradient_accumulation_steps - 1))


def _odd(
    category: Category,
    severity: Severity,
    title: str,
    evidence: list[str],
    *,
    cause: str = "",
    do: str = "",
    change: Patch | None = None,
    confidence: float = 1.0,
) -> Finding:
    return Finding(
        category=category,
        severity=severity,
        title=title,
        evidence=evidence,
        cause=cause,
        remedy=do or (remedy(change) if change is not None else ""),
        patch=change,
        confidence=confidence,
    )
