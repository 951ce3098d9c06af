"""What may help against each kind of trouble beside what the finding itself proposes, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from engine.findings import Category, Finding, Patch
from engine.memory.relief import halved, smaller
from engine.preflight.patches import patch
from engine.recipe.recipe import Recipe

AGAIN: Final = Patch(label="the same once more, from the last checkpoint")
AFRESH: Final = Patch(label="the same once more, from the beginning")
Proposal = Callable[[Recipe, Finding], Iterator[Patch | None]]

HOT: Final = 1e-3
"""A learning rate above this is too high for most adapters (LoRA Without Regret: 1e-4 to 5e-4)."""
_COLD: Final = 1e-5
_USUAL: Final = 2e-4
_BY_RATE: Final = ("nan_or_inf", "loss_spike_divergence", "loss_not_decreasing")
_ROW: Final = re.compile(r"[^/\s]:\d+$")
"""The place of a row, `file:line`; what is wrong with a whole file is not mended by leaving rows out."""
_LOWER: Final = 3.0
_LONGEST: Final = 1 << 17


def proposed(recipe: Recipe, finding: Finding) -> list[Patch]:
    """Changes that address the finding: its own first, each of them once, none that changes nothing."""
    table = _TABLE.get(finding.category)
    own = [*urgent(recipe, finding), finding.patch, *(table(recipe, finding) if table else ())]
    if finding.check in TRANSIENT:
        own = [AGAIN, *own]
    seen: list[Patch] = []
    for change in own:
        known = change is None or any(change.recipe == other.recipe for other in seen)
        if change is not None and not known and (_changes(recipe, change) or change in (AGAIN, AFRESH)):
            seen.append(change)
    return seen


TRANSIENT: Final = frozenset({"death.killed", "death.gone", "death.rebooted", "death.hung", "death.crashed"})
"""`check` of findings on ends that need not come again: no field of a recipe has caused them."""


def _changes(recipe: Recipe, change: Patch) -> bool:
    return any(getattr(recipe, name, None) != value for name, value in change.recipe.items())


def _lower(recipe: Recipe) -> Patch:
    rate = min(recipe.learning_rate / _LOWER, HOT)
    return patch(recipe, learning_rate=float(f"{rate:.2g}"))


def urgent(recipe: Recipe, finding: Finding) -> Iterator[Patch]:
    """What comes before the finding's own patch, which does not see the rest of the recipe."""
    late = finding.step is None or finding.step > 1
    if finding.category in _BY_RATE and recipe.learning_rate > HOT and late:
        yield _lower(recipe)
    if finding.category == "dataset_format" and recipe.data_format != "auto" and recipe.mapping is None:
        yield patch(recipe, data_format="auto")


def _memory(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield halved(recipe)
    if not recipe.gradient_checkpointing:
        yield patch(recipe, gradient_checkpointing=True)
    yield smaller(recipe)


def _memory_beside(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if any("sampling" in line for line in (finding.title, *finding.evidence)):
        yield patch(recipe, sample_steps=0)
    yield from _memory(recipe, finding)


def _not_finite(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.mixed_precision == "fp16":
        yield patch(recipe, mixed_precision="auto")
    first = finding.step is not None and finding.step <= 1
    yield patch(recipe, on_divergence="skip")
    if not first:
        yield _lower(recipe)
        if recipe.max_grad_norm == 0:
            yield patch(recipe, max_grad_norm=1.0)
    yield patch(recipe, mixed_precision="no")


def _diverged(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield _lower(recipe)
    if recipe.max_grad_norm == 0 or recipe.max_grad_norm > 1:
        yield patch(recipe, max_grad_norm=1.0)
    yield patch(recipe, on_divergence="lower_rate")
    yield patch(recipe, warmup_ratio=max(recipe.warmup_ratio, 0.1))


def _learns_nothing(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.learning_rate < _COLD:
        yield patch(recipe, learning_rate=_USUAL)
    yield patch(recipe, learning_rate=float(f"{min(recipe.learning_rate * 3, HOT):.2g}"))
    yield patch(recipe, target_modules="all-linear")
    yield patch(recipe, lora_r=min(recipe.lora_r * 2, 256))


def _no_gradient(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.learning_rate < _COLD:
        yield patch(recipe, learning_rate=_USUAL)
    yield patch(recipe, target_modules="all-linear", exclude_modules=[])
    if recipe.layers_to_transform:
        yield patch(recipe, layers_to_transform=[])


def _layers(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield patch(recipe, target_modules="all-linear")
    yield patch(recipe, target_modules="all-linear", exclude_modules=[], layers_to_transform=[])


def _cut(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.max_length * 2 <= _LONGEST:
        yield patch(recipe, max_length=recipe.max_length * 2)


def _rows(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    of_rows = finding.count or finding.places or any(map(_ROW.search, finding.evidence))
    if not of_rows:
        return
    yield patch(recipe, bad_rows="drop")


def _padding(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield patch(recipe, per_device_train_batch_size=1, gradient_accumulation_steps=recipe.batch_rows)


def _precision(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield patch(recipe, mixed_precision="auto")
    yield patch(recipe, mixed_precision="no")


def _devices(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield patch(recipe, devices="auto", fsdp="auto")
    yield patch(recipe, devices=1, fsdp="never")


def _quantised(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.load_in_4bit or recipe.load_in_8bit:
        yield patch(recipe, load_in_4bit=False, load_in_8bit=False)
    if recipe.optim not in ("adamw_torch", "adafactor", "sgd"):
        yield patch(recipe, optim="adamw_torch")


def _disk(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    if recipe.output_dir is not None:
        yield patch(recipe, output_dir=None)
    yield patch(recipe, save_total_limit=1)


def _afresh(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield AFRESH


def _slow(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield AGAIN
    yield patch(recipe, attn_implementation="eager")


def _by_heart(recipe: Recipe, finding: Finding) -> Iterator[Patch | None]:
    yield patch(recipe, load_best_model_at_end=True)
    if recipe.max_steps <= 0 and recipe.num_train_epochs > 1:
        yield patch(recipe, num_train_epochs=max(recipe.num_train_epochs / 2, 1.0))
    yield patch(recipe, lora_dropout=max(recipe.lora_dropout, 0.05))


_TABLE: Final[dict[Category, Proposal]] = {
    "oom": _memory,
    "oom_at_checkpoint_or_eval": _memory_beside,
    "nan_or_inf": _not_finite,
    "loss_spike_divergence": _diverged,
    "loss_not_decreasing": _learns_nothing,
    "loss_zero": _cut,
    "no_trainable_params_or_grad": _no_gradient,
    "target_modules_not_found": _layers,
    "truncation": _cut,
    "padding_token": _padding,
    "dataset_format": _rows,
    "dataset_encoding_or_parse": _rows,
    "bf16_unsupported": _precision,
    "dtype_mismatch": _precision,
    "device_mismatch": _devices,
    "distributed_launch": _devices,
    "quantization_backend": _quantised,
    "save_or_disk": _disk,
    "checkpoint_resume": _afresh,
    "hang_or_slow": _slow,
    "overfit_memorising": _by_heart,
}
