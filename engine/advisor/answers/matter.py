"""Memory, generalising, the learning rate, the data and past runs."""

from __future__ import annotations

from collections.abc import Iterator

from engine.advisor.answers.figures import ends, number, rate
from engine.advisor.known import Known
from engine.lessons.lesson import Lesson
from engine.text import amount


def memory(known: Known) -> list[str]:
    """`Why does it take so much memory?`, `will it fit?`"""
    state = known.state
    lines: list[str] = []
    if state is not None and state.predicted is not None:
        parts = sorted(state.predicted.parts.items(), key=lambda part: -part[1])[:3]
        said = ", ".join(f"{name} {amount(size)}" for name, size in parts)
        lines.append(f"Predicted at the peak: {amount(state.predicted.bytes)}{f' ({said})' if said else ''}.")
    if state is not None and state.memory_peak:
        top = max(state.measured, key=lambda m: m.reserved or m.bytes)
        lines.append(f"Measured so far: {amount(state.memory_peak)}, in the phase {top.phase}.")
    found = known.cite("oom", "oom_at_checkpoint_or_eval")
    lines += _said_of(known, "oom", "oom_at_checkpoint_or_eval")
    if not lines:
        lines.append("Nothing of its memory is recorded yet; `openlora estimate RECIPE` prices it by part.")
    elif not found:
        lines.append("No finding is about memory.")
    return [*lines, *_smaller(known)]


def _smaller(known: Known) -> Iterator[str]:
    recipe = known.recipe
    if recipe is None:
        return
    ways = []
    if recipe.per_device_train_batch_size > 1:
        half = recipe.per_device_train_batch_size // 2
        twice = recipe.gradient_accumulation_steps * 2
        ways.append(
            f"per_device_train_batch_size {half} with gradient_accumulation_steps {twice} (the same result)"
        )
    if not recipe.gradient_checkpointing:
        ways.append("gradient_checkpointing (slower, the same result)")
    if not recipe.load_in_4bit:
        ways.append("load_in_4bit")
    ways.append(f"a max_length below {recipe.max_length:,}, where the rows allow it")
    yield f"What would make it smaller, the mildest first: {'; '.join(ways)}."


def generalises(known: Known) -> list[str]:
    """`Is it overfitting?`"""
    state = known.state
    if state is None or not state.eval_loss.points() or state.best_eval is None:
        return ["That shows on held-out rows alone, and none were evaluated yet (eval_split, eval_steps)."]
    points = state.eval_loss.points()
    now, best, at = points[-1][3], state.best_eval, state.best_eval_step
    lines = [f"Held-out loss: {number(now)} now, {number(best)} at its best, at step {at:,}."]
    train = state.mean_loss
    if train is not None:
        lines.append(f"Training loss: {number(train)}, so the gap is {number(now - train)} nats a token.")
    if now > 1.05 * best:
        lines.insert(0, "Yes: the loss on held-out rows has risen by more than a twentieth from its best.")
        lines.append(
            "Keep the best checkpoint (load_best_model_at_end), train fewer epochs, or add rows; "
            "a smaller lora_r or a lora_dropout helps less."
        )
    elif len(points) < 3:
        lines.insert(0, f"Too early to tell: {len(points)} evaluations are not enough for a trend.")
    else:
        lines.insert(0, "No sign of it: held-out loss is at, or near, its best.")
    return [*lines, *_said_of(known, "overfit_memorising", "leakage", "duplicates")]


def learning(known: Known) -> list[str]:
    """`Why does the loss not fall?`, `why is it so high?`"""
    state = known.state
    moved = ends(state.loss) if state is not None else None
    if state is None or moved is None:
        return ["There are too few steps to say how the loss moves.", *_worst(known)]
    first, last = moved
    share = (first - last) / abs(first) if first else 0.0
    lines = [f"The loss went from {number(first)} to {number(last)} ({-share:+.0%}) in {state.step:,} steps."]
    causes = (
        "loss_not_decreasing", "no_trainable_params_or_grad", "loss_zero", "nan_or_inf",
        "loss_spike_divergence", "truncation", "template_or_special_tokens", "hyperparameter",
    )  # fmt: skip
    said = _said_of(known, *causes)
    if said:
        return [*lines, *said]
    if share > 0.02:
        return [*lines, "So it does fall; nothing was found that keeps it from learning."]
    lines.append("No finding explains it. What tells the causes apart, the cheapest first:")
    norm, peak = state.grad_norm.latest, state.peak_rate
    if norm is not None:
        said_norm = "is zero: nothing trains" if norm == 0 else f"is {number(norm)}, so something does train"
        lines.append(f"- the gradient norm {said_norm};")
    if peak:
        lines.append(f"- a run of 30 steps with learning_rate {rate(peak * 3)} in place of {rate(peak)};")
    return [*lines, f"- the rows themselves: `openlora runs eaten {state.run}` shows what it learns from."]


def _worst(known: Known) -> list[str]:
    return [f"[{at}] {found.title}" for at, found in enumerate(known.findings[:2], 1)]


def learning_rate(known: Known) -> list[str]:
    """`Is the learning rate right?`"""
    state, recipe = known.state, known.recipe
    lines = []
    peak = (state.peak_rate if state else 0.0) or (recipe.learning_rate if recipe else 0.0)
    if peak:
        method = f" by {recipe.method} at rank {recipe.lora_r}" if recipe else ""
        lines.append(f"Its peak is {rate(peak)}{method}.")
    now = state.lr.latest if state else None
    if now is not None and state is not None:
        lines.append(f"It stands at {rate(now)} at step {state.lr.latest_x:,}.")
    lines += _said_of(known, "hyperparameter", "loss_spike_divergence", "loss_not_decreasing")
    lines += _rates_tried(known.lessons)
    if len(lines) < 3:
        lines.append(
            "`openlora train RECIPE --set lr_scheduler_type=range_test` tries all rates in a short run."
        )
    return lines


def _rates_tried(lessons: list[Lesson]) -> Iterator[str]:
    """What past runs made of their rates: failures by rate, and the one with the best held-out loss."""
    failed: dict[float, list[str]] = {}
    for lesson in lessons:
        tried = lesson.recipe.get("learning_rate")
        grave = any(s.category in ("loss_spike_divergence", "nan_or_inf") for s in lesson.findings)
        if isinstance(tried, float) and (grave or lesson.status == "failed"):
            failed.setdefault(tried, []).append(lesson.run)
    for tried, runs in list(failed.items())[:2]:
        yield f"{rate(tried)} failed or diverged in {_runs(runs)}."
    best = min((one for one in lessons if one.eval_loss is not None), key=_eval_loss, default=None)
    if best is not None and isinstance(best.recipe.get("learning_rate"), float):
        loss = number(_eval_loss(best))
        at = rate(best.recipe["learning_rate"])
        yield f"The best held-out loss of alike runs, {loss}, came with {at} (run {best.run})."


def _eval_loss(lesson: Lesson) -> float:
    return lesson.eval_loss if lesson.eval_loss is not None else float("inf")


def _runs(runs: list[str]) -> str:
    return f"run {runs[0]}" if len(runs) == 1 else f"runs {', '.join(runs[:4])}"


def rows(known: Known) -> list[str]:
    """`What does it learn from?`, `is the data good?`"""
    state = known.state
    plan = state.plan if state is not None else None
    lines = []
    if state is not None and plan is not None:
        per_row = plan.label_tokens / plan.rows if plan.rows else 0
        lines.append(
            f"It learns from {plan.rows:,} rows ({plan.eval_rows:,} held out): {plan.label_tokens:,} of "
            f"{plan.tokens:,} tokens count, {per_row:,.0f} a row."
        )
    kinds = (
        "duplicates", "leakage", "imbalance", "pii", "placeholder", "quality", "truncation",
        "dataset_format", "dataset_encoding_or_parse", "empty_or_tiny_dataset",
    )  # fmt: skip
    said = _said_of(known, *kinds)
    files = " ".join(state.data) if state is not None and state.data else "FILE"
    return [
        *lines,
        *(said or ["No finding is about the data."]),
        f"`openlora inspect {files}` reports on it.",
    ]


def cut(known: Known) -> list[str]:
    """`Are answers cut off?`"""
    said = _said_of(known, "truncation")
    length = f" max_length is {known.recipe.max_length:,}." if known.recipe is not None else ""
    return said or [
        f"No finding says that rows are cut.{length} `openlora inspect --max-length N` counts them."
    ]


def past(known: Known) -> list[str]:
    """`How did my past runs do?`"""
    lessons = known.lessons
    if not lessons:
        return [
            "No past run is remembered that is like this one. `openlora runs compare` sets runs side by side."
        ]
    ended = [one for one in lessons if one.eval_loss is not None]
    failed = [one for one in lessons if one.status == "failed"]
    lines = [f"{len(lessons)} past runs are like it, {len(failed)} of which failed."]
    for one in sorted(ended, key=_eval_loss)[:3]:
        lines.append(f"Run {one.run}: held-out loss {number(_eval_loss(one))} with {_settings(one)}.")
    for one in failed[:2]:
        lines.append(f"Run {one.run} failed with {_settings(one)}: {one.reason.rstrip('.')}.")
    return lines


def _settings(lesson: Lesson) -> str:
    said = lesson.recipe
    shown = [
        f"{name} {_short(said[name])}"
        for name in ("learning_rate", "lora_r", "num_train_epochs")
        if name in said
    ]
    return ", ".join(shown) or "unknown settings"


def _short(value: object) -> str:
    return rate(value) if isinstance(value, float) and 0 < value < 1e-2 else f"{value}".removesuffix(".0")


def _said_of(known: Known, *categories: str) -> list[str]:
    """The findings of these categories with what to do about them."""
    return [
        f"[{at}] {found.title.rstrip('.')}. {found.remedy}".rstrip()
        for at, found in enumerate(known.findings, 1)
        if found.category in categories
    ][:3]
