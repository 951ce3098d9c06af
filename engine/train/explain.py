"""Says in words why a run died: one table from what Python raised to what a person can do."""

from __future__ import annotations

import errno
import re
import sys
import traceback
from typing import Final

import msgspec
from msgspec.structs import replace

from engine.data.refusal import Refusal
from engine.events import Failed
from engine.findings import Category, Finding, Patch
from engine.job import Job
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.text import one_line
from engine.train.guard.ledger import BrokenStep
from engine.train.journal import Journal
from engine.train.memory.advice import lacking
from engine.train.memory.exhausted import out_of_memory

_SKIP: Final = {"on_divergence": "skip"}


class Cause(msgspec.Struct, frozen=True):
    """A kind of failure, recognised in `Type: message`."""

    pattern: str
    category: Category
    what: str
    do: str


CAUSES: Final = (
    Cause(
        r"No space left on device|ENOSPC|Disk quota exceeded|PytorchStreamWriter failed",
        "save_or_disk",
        "The disk is full.",
        "Free some space or set output_dir on another disk, lower save_total_limit, then resume the run.",
    ),
    Cause(
        r"PermissionError|Read-only file system",
        "save_or_disk",
        "A file may not be written.",
        "Choose an output_dir that you may write to.",
    ),
    Cause(
        r"GatedRepoError|401 Client Error|403 Client Error|gated repo|awaiting a review",
        "hub_auth_or_gated",
        "The hub does not hand out this model.",
        "Accept its terms on its page, log in with `hf auth login`, or use a folder with the model.",
    ),
    Cause(
        r"OfflineModeIsEnabled|LocalEntryNotFoundError|outgoing traffic has been disabled|MaxRetryError|"
        r"ConnectionError|ConnectError|We couldn't connect",
        "hub_auth_or_gated",
        "The model is not on this machine, and the hub cannot be reached.",
        "Copy the model here and name its folder, or go online without HF_HUB_OFFLINE.",
    ),
    Cause(
        r"RepositoryNotFoundError|is not a local folder and is not a valid model identifier|404 Client Error",
        "hub_auth_or_gated",
        "The hub knows no model of this name.",
        "Check the spelling of `model`; private models need `hf auth login`.",
    ),
    Cause(
        r"[Bb]itsandbytes|CUDA Setup failed|backends-bnb|quantize_4bit|int8_linear_matmul|"
        r"only Tensors of floating point dtype can require gradients",
        "quantization_backend",
        "bitsandbytes, which quantises weights and optimizers, failed.",
        "`openlora doctor` tries it here; pip install -U bitsandbytes, or do without load_in_4bit, "
        "load_in_8bit and 8-bit or paged optimizers.",
    ),
    Cause(
        r"Target modules .* not found",
        "target_modules_not_found",
        "No layer of the model has such a name.",
        "Set target_modules to all-linear.",
    ),
    Cause(
        r"trust_remote_code",
        "dependency_version",
        "A part of the model brings its own code, which does not run unless you trust it.",
        "Use a model that transformers supports by itself, or see `trust_remote_code` in docs/recipe.md.",
    ),
    Cause(
        r"Unrecognized configuration class",
        "dependency_version",
        "The model is no causal language model.",
        "Choose one whose class ends in ForCausalLM.",
    ),
    Cause(
        r"StrictDataclass\w*Error",
        "dependency_version",
        "The model's config.json holds a value that cannot be.",
        "Get the model's files again.",
    ),
    Cause(
        r"does not recognize this architecture|Unrecognized model in",
        "dependency_version",
        "The installed transformers does not know this kind of model.",
        "Upgrade transformers, or choose a causal language model.",
    ),
    Cause(
        r"unexpected keyword argument|cannot import name|has no attribute .*__version__|requires .*(>=|==)",
        "dependency_version",
        "Two installed packages do not fit together.",
        "Reinstall with the versions that openlora-tui[train] asks for.",
    ),
    Cause(
        r"Attempting to unscale FP16 gradients|must have the same dtype|expected (scalar type|m1 and m2)",
        "dtype_mismatch",
        "Two tensors of different precision met.",
        "Set mixed_precision to auto.",
    ),
    Cause(
        r"Expected all tensors to be on the same device",
        "device_mismatch",
        "Parts of the model are on different devices.",
        "Choose one device in `devices`.",
    ),
    Cause(
        r"device-side assert|index out of range in self|srcIndex < srcSelectDimSize",
        "tokenizer_vocab_resize",
        "A token id or a position is beyond the model's tables.",
        "Lower max_length to the model's context, and use the tokenizer that came with the model.",
    ),
    Cause(
        r"no kernel image is available|CUDA driver version is insufficient|not compiled with CUDA",
        "cuda_driver_or_arch",
        "This PyTorch does not fit the GPU or its driver.",
        "Install the PyTorch build for this driver from pytorch.org, or set `devices: cpu`.",
    ),
    Cause(
        r"size mismatch for|Error\(s\) in loading state_dict|ignore_mismatched_sizes",
        "merge_mismatch",
        "The weights do not fit the model.",
        "Use the base model that the adapter was made for, and get incomplete files again.",
    ),
    Cause(
        r"[Ww]eights.only load failed|Unsupported (global|operand)|Can only build Tensor",
        "checkpoint_resume",
        "A file with weights holds more than weights, and none of it was run.",
        "Do not trust it; get the files again from a source that you trust, in the form of .safetensors.",
    ),
    Cause(
        r"SafetensorError|UnpicklingError|Error while deserializing header",
        "checkpoint_resume",
        "A file with weights is damaged.",
        "Get the model's files again; a damaged checkpoint can be deleted, the one before it is used then.",
    ),
    Cause(
        r"NCCL|gloo|DistributedDataParallel|ProcessGroup|Address already in use",
        "distributed_launch",
        "The ranks could not work together.",
        "Check that every rank runs the same recipe, or run on one device.",
    ),
)


def explain(error: BaseException, job: Job, journal: Journal, loss: float | None = None) -> Failed:
    """The last event of a run that `error` ended in the phase and step that `journal` knows."""
    finding, problem = _diagnosed(error, job, journal)
    if not isinstance(error, Problem):
        traceback.print_exception(error, file=sys.stderr)
    journal.found(finding)
    return Failed(
        run=job.run,
        steps=journal.step,
        what=problem.what,
        where=problem.where,
        why=problem.why,
        do=problem.do,
        loss=loss,
        findings=journal.findings,
        resumable=any(job.checkpoints.glob("step-*")),
    )


def _diagnosed(error: BaseException, job: Job, journal: Journal) -> tuple[Finding, Problem]:
    if isinstance(error, Problem):
        if isinstance(error, Refusal):
            found = _finding(error.category, error, journal, patch=error.patch)
            evidence = error.evidence or found.evidence
            return replace(found, cause=error.cause or found.cause, evidence=evidence), error
        return _finding("other", error, journal), error
    if out_of_memory(error):
        refusal = lacking(job.recipe, journal.doing, one_line(str(error), 300))
        return _finding(refusal.category, refusal, journal, patch=refusal.patch), refusal
    said = one_line(f"{type(error).__name__}: {error}", 400)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        said = f"ENOSPC: {said}"
    for cause in CAUSES:
        if re.search(cause.pattern, said):
            problem = Problem(cause.what, where=journal.doing, why=said, do=cause.do)
            return _finding(cause.category, problem, journal), problem
    problem = Problem(
        f"The run failed while {journal.doing}.",
        where=journal.doing,
        why=said,
        do="The log holds the whole traceback.",
    )
    return _finding("other", problem, journal, confidence=0.5), problem


def broken_step(error: BrokenStep, rows: list[str], recipe: Recipe) -> Refusal:
    """What a step that the run cannot go on from came to; `rows` are its rows with their beginnings."""
    named = " | ".join(rows[:4]) + (f" | and {len(rows) - 4} more" if len(rows) > 4 else "")
    what, do, patch = error.sign.title + ".", error.sign.remedy, None
    why = f"{'; '.join(error.sign.evidence)}. Rows of the step: {named}"
    if error.kind == "nan_or_inf":
        what = f"Step {error.step} came to a number that is not finite; no weight was changed by it."
        why = f"Loss {error.loss}, gradient norm {error.norm}. Rows of the step: {named}"
        do = "Look at these rows; else lower learning_rate, or set mixed_precision to bf16 or no."
        patch = Patch(label="on_divergence skip: go back, and on without the batch", recipe=_SKIP)
    if error.kind == "loss_spike_divergence":
        lower = float(f"{recipe.learning_rate / 3:.2g}")
        patch = Patch(
            label=f"learning_rate {recipe.learning_rate:g} -> {lower:g}", recipe={"learning_rate": lower}
        )
    refusal = Refusal(error.kind, what, where=f"step {error.step}", why=why, do=do, patch=patch)
    refusal.cause, refusal.evidence = error.sign.cause, [*error.sign.evidence, *rows[:4]]
    return refusal


def _finding(
    category: Category,
    problem: Problem,
    journal: Journal,
    *,
    confidence: float = 1.0,
    patch: Patch | None = None,
) -> Finding:
    evidence = [text for text in (problem.where, problem.why) if text]
    return Finding(
        category=category,
        severity="blocker",
        title=problem.what,
        confidence=confidence,
        evidence=evidence,
        cause=problem.why,
        remedy=problem.do,
        patch=patch,
        step=journal.step or None,
    )
