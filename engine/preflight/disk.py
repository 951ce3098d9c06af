"""Room on the disk for every checkpoint and the adapter, and whether they may be written where they go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import paths, run_size
from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.preflight.findings import refused, stopped
from engine.preflight.patches import patch
from engine.preflight.subject import Subject
from engine.problem import Problem

_FP32: Final = 4
_STEPS: Final = 1000
"""Steps that are reckoned with where they are not known."""


def look(subject: Subject) -> Iterator[Finding]:
    """What would keep the run from writing what it leaves."""
    recipe = subject.recipe
    try:
        run = paths.home_path() / "runs" / "next"
        if (unwritable := _unwritable(run)) is not None:
            raise Problem("The folder for runs cannot be written.", where=str(unwritable),
                          do="Set OPENLORA_HOME to a folder that you can write.")  # fmt: skip
    except Problem as problem:
        yield stopped("save_or_disk", problem)
        return
    adapter = Path(recipe.output_dir) if recipe.output_dir else run / "adapter"
    if (refusal := _refusal(adapter)) is not None:
        yield refused(refusal, change=patch(recipe, output_dir=None))
        return
    wanted = wanted_by(subject)
    if wanted is None:
        return
    try:
        run_size.prove_room(wanted, run, adapter)
    except Problem as problem:
        less = recipe.save_total_limit > 1
        yield stopped("save_or_disk", problem, patch(recipe, save_total_limit=1) if less else None)


def wanted_by(subject: Subject) -> run_size.Wanted | None:
    """What the run will write; None where the adapter's size is not known."""
    if subject.written is None:
        return None
    numbers, tensors = subject.written
    weights = numbers * _FP32
    steps = subject.size.steps or _STEPS
    measured = bool(subject.recipe.eval_entries) or subject.recipe.eval_split > 0
    return run_size.Wanted(
        checkpoints=run_size.at_once(subject.recipe, steps, measured=measured),
        each=run_size.checkpoint_bytes(weights, tensors),
        adapter=run_size.adapter_bytes(weights, tensors),
        steps=steps,
    )


def _refusal(target: Path) -> Refusal | None:
    if target.exists() and not target.is_dir():
        do = "Choose another output_dir, or move the file away."
        return Refusal("save_or_disk", "The output folder is a file.", where=str(target), do=do)
    unwritable = _unwritable(target)
    if unwritable is None:
        return None
    return Refusal(
        "save_or_disk",
        "The output folder cannot be written.",
        where=str(unwritable),
        do="Choose an output_dir that you may write to.",
    )


def _unwritable(target: Path) -> Path | None:
    """The folder in which something would have to be made, and may not be."""
    folder = target
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return None if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) else folder
