"""Two causes that look alike: which test tells them apart, and what a test that was made says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from engine.advisor.case import Case
from engine.findings import Category, Finding

_RIVAL: Final = 0.4
"""Share of the first one's confidence from which on the second is a rival."""
_DECIDED: Final = 0.95
_REFUTED: Final = 0.3
"""What is left of a cause's confidence where a test spoke for its rival."""


class Outcome(msgspec.Struct, frozen=True):
    """What a test came to."""

    favours: Category
    evidence: str


class Doubt(msgspec.Struct, frozen=True):
    """Two causes that show themselves alike, and the test that tells them apart."""

    one: Category
    other: Category
    test: str
    made: Callable[[Case], Outcome | None] | None = None
    """What our own run has recorded of it."""


def settled(case: Case, ranked: list[Finding]) -> list[Finding]:
    """The findings with what tests say of the first and its rival, and with the test to make where none does.

    The order may be another afterwards; the caller ranks them again.
    """
    rivals = [finding for finding in ranked if finding.severity != "note"][:2]
    doubt = _between(rivals)
    if doubt is None:
        return ranked
    outcome = doubt.made(case) if doubt.made is not None else None
    if outcome is None:
        return _replaced(ranked, rivals[0], _told(rivals[0], doubt))
    winner = next((finding for finding in rivals if finding.category == outcome.favours), None)
    if winner is None:
        return ranked
    loser = next(finding for finding in rivals if finding is not winner)
    sure = max(winner.confidence, _DECIDED)
    evidence = [f"test: {outcome.evidence}", *winner.evidence]
    ranked = _replaced(ranked, winner, _with(winner, confidence=sure, evidence=evidence))
    return _replaced(ranked, loser, refuted(loser))


def refuted(finding: Finding) -> Finding:
    """A cause that a test spoke against."""
    return _with(finding, confidence=round(finding.confidence * _REFUTED, 3))


def _between(rivals: list[Finding]) -> Doubt | None:
    if len(rivals) < 2 or rivals[1].confidence < _RIVAL * rivals[0].confidence:
        return None
    named = {finding.category for finding in rivals}
    return next((doubt for doubt in DOUBTS if {doubt.one, doubt.other} == named), None)


def _told(finding: Finding, doubt: Doubt) -> Finding:
    rival = doubt.other if finding.category == doubt.one else doubt.one
    return _with(finding, remedy=f"{finding.remedy} To tell it from {rival}: {doubt.test}".strip())


def _with(finding: Finding, **changes: object) -> Finding:
    return msgspec.structs.replace(finding, **changes)


def _replaced(findings: list[Finding], old: Finding, new: Finding) -> list[Finding]:
    return [new if finding is old else finding for finding in findings]


def batch_against_rows(case: Case) -> Outcome | None:
    """Of a run of ours: two rows that came to another loss in a batch than alone, before its first step."""
    leaks = next((finding for finding in case.findings if finding.category == "padding_token"), None)
    if leaks is None or not leaks.evidence:
        return None
    return Outcome("padding_token", leaks.evidence[0])


DOUBTS: Final[tuple[Doubt, ...]] = (
    Doubt(
        "loss_zero",
        "nan_or_inf",
        "count the labels of a batch that are not -100: none is masking, some is precision or attention.",
    ),
    Doubt(
        "loss_zero",
        "truncation",
        "decode what is learnt from in three rows, with twice the max_length: if it appears, it was cut.",
    ),
    Doubt(
        "loss_zero",
        "template_or_special_tokens",
        "decode what is learnt from in one short row: nothing there means that the marker does not match.",
    ),
    Doubt(
        "loss_zero",
        "padding_token",
        "feed one row alone: a loss above 0 there means that padding spoils the batch.",
        batch_against_rows,
    ),
    Doubt(
        "nan_or_inf",
        "padding_token",
        "compare two rows of unlike lengths in a batch with each alone: no number only together is padding.",
        batch_against_rows,
    ),
    Doubt(
        "nan_or_inf",
        "truncation",
        "run one batch of short rows: finite there, and long rows lose all their labels.",
    ),
    Doubt(
        "nan_or_inf",
        "loss_spike_divergence",
        "look at the gradient norm before: rising for many steps is the rate, sudden is the precision.",
    ),
    Doubt(
        "never_stops_generating",
        "padding_token",
        "look at the last label of a row: -100 at the end token means that it is masked as padding.",
    ),
    Doubt(
        "never_stops_generating",
        "truncation",
        "look at the last label of a long and of a short row: only the short one ends, and rows are cut.",
    ),
    Doubt(
        "never_stops_generating",
        "garbage_after_training",
        "read the answer up to where it should end: right until there is the end token, wrong is the model.",
    ),
    Doubt(
        "garbage_after_training",
        "template_or_special_tokens",
        "ask a training row, alone, in the template of training: right there, and only the asking differs.",
    ),
    Doubt(
        "garbage_after_training",
        "merge_mismatch",
        "ask the adapter before it was merged: right there, and the merge spoils it.",
    ),
    Doubt(
        "merge_mismatch",
        "gguf_export",
        "ask the merged model before it was converted: right there, and the conversion spoils it.",
    ),
    Doubt(
        "gguf_export",
        "never_stops_generating",
        "give the stop token by hand: if it then ends, the file lacks it, and not the model.",
    ),
    Doubt(
        "other",
        "no_trainable_params_or_grad",
        "look at lora_B in the saved adapter: all 0 was never trained, anything else was not applied.",
    ),
    Doubt(
        "other",
        "merge_mismatch",
        "compare the unmerged adapter with the base: no difference there is no merge.",
    ),
    Doubt("other", "save_or_disk", "open the saved adapter and count its tensors: none is a bad save."),
    Doubt(
        "save_or_disk", "checkpoint_resume", "look into the checkpoint: what is not there was never saved."
    ),
    Doubt(
        "oom",
        "oom_at_checkpoint_or_eval",
        "see whether it ends at a multiple of eval_steps or save_steps, or at the longest row.",
    ),
    Doubt(
        "hang_or_slow",
        "distributed_launch",
        "start it on one device; where it still stands, `py-spy dump` names the line.",
    ),
    Doubt(
        "hang_or_slow",
        "oom",
        "look at the device's memory: beyond 97 % the driver spills into the machine's.",
    ),
    Doubt(
        "dependency_version",
        "loss_spike_divergence",
        "run one step with gradient_accumulation_steps 1: a loss that many times lower is how it is counted.",
    ),
    Doubt(
        "tokenizer_vocab_resize",
        "cuda_driver_or_arch",
        "run one batch on the CPU: an index that is out of range is named there.",
    ),
    Doubt(
        "checkpoint_resume",
        "loss_spike_divergence",
        "compare step and learning rate before and after: where they jump too, the state was not restored.",
    ),
    Doubt(
        "overfit_memorising",
        "loss_spike_divergence",
        "look at the training loss: falling meanwhile is memorising, rising is divergence.",
    ),
    Doubt(
        "loss_not_decreasing",
        "no_trainable_params_or_grad",
        "look at lora_B after two steps: all 0 is no gradient, anything else is the learning rate.",
    ),
    Doubt(
        "dataset_format",
        "empty_or_tiny_dataset",
        "count the rows after each stage, and read the first dropped.",
    ),
    Doubt("dtype_mismatch", "bf16_unsupported", "ask for the compute capability: bf16 needs 8.0."),
)
"""The order says nothing."""
