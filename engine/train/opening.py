"""Opens a run in the order in which a failure is cheapest."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import msgspec
import torch

from engine import events as ev
from engine.atomic import sweep
from engine.data.prepare import prepare
from engine.data.refusal import Refusal
from engine.data.rejects import NAME as REJECTS
from engine.data.rules import rules_of
from engine.data.shelf.shelf import Shelf
from engine.data.tokenizer import ModelTokenizer
from engine.findings import Finding
from engine.job import Job
from engine.lessons.fingerprints import prints_of
from engine.model.context import context_of, cut_at_context
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from engine.recipe.resuming import Change, changes, refuse
from engine.train import randomness
from engine.train.guard.noting import note_rows
from engine.train.journal import Journal
from engine.train.listening import LeftEarly, Listener
from engine.train.machine import Machine
from engine.train.memory import checkpointing
from engine.train.methods import budget
from engine.train.model.attention import kernel
from engine.train.model.folder import tokenizer_folder, trusts_code
from engine.train.model.proof import prove_ids_fit, prove_same_tokens
from engine.train.model.quantise import held_in
from engine.train.model.student import student_of
from engine.train.objectives.reference import take_reference
from engine.train.saving.checkpoint import Checkpoint, Manifest, newest
from engine.train.saving.restore import restore
from engine.train.session import Session, recipe_digest

_TICK_SECONDS = 0.25


def open_session(job: Job, journal: Journal, listener: Listener) -> Session:
    """Read the data, load the model, prove that they fit, and take up the newest checkpoint if there is one.

    Raises:
        Refusal: something that would stop or spoil the run.
        LeftEarly: a stop was asked for meanwhile.
    """
    machine = Machine(job)
    journal.speaks = machine.rank == 0
    if machine.rank == 0:
        sweep(job.adapter)
        _check_output(job.adapter)
    checkpoint = _newest(job, journal)
    _compare(job, journal, checkpoint)
    day = checkpoint.manifest.day if checkpoint else date.today().isoformat()

    journal.phase("reading data")
    trust = trusts_code(job)
    folder = tokenizer_folder(job, trust=trust)
    tokenizer = ModelTokenizer(folder, date.fromisoformat(day), rules_of(job.recipe))
    recipe = _within_context(job.recipe, folder, journal)
    rejects = job.folder / REJECTS if machine.rank == 0 else None
    shelf = Shelf(job.tokens, journal.log) if job.tokens is not None else None
    data = prepare(recipe, tokenizer, _Ticker(journal, listener), rejects=rejects, shelf=shelf)
    for finding in data.findings:
        journal.found(finding)

    journal.phase("loading model", job.recipe.model)
    _leave_if_asked(listener, machine)
    prove_same_tokens(folder, tokenizer, data, trust=trust)
    path = checkpoint.path if checkpoint else None
    student = student_of(job, machine, path, data=data.train, trust=trust)
    prove_ids_fit(student.peft, data.train, data.eval)
    _leave_if_asked(listener, machine)

    session = Session(job, journal, listener, machine, tokenizer, data, student, recipe)
    session.day = day
    take_reference(session, checkpoint.manifest.initial if checkpoint else session.initial)
    _take_up(session, checkpoint)
    budget.attend(session)
    note_rows(session)
    _announce(session)
    return session


def _take_up(session: Session, checkpoint: Checkpoint | None) -> None:
    """Go on where `checkpoint` was written, or begin."""
    randomness.seed_training(session.recipe.seed, session.machine)
    if checkpoint is None:
        return
    manifest = checkpoint.manifest
    if manifest.data != session.data_digest:
        raise Refusal(
            "checkpoint_resume",
            "The training data is not what it was when the checkpoint was written.",
            where=str(checkpoint.path),
            why=" ".join(
                [
                    "The rows of the files changed, or the tokenizer.",
                    *(f"Changed: {c}." for c in _changes(session.job, manifest)),
                ]
            ),
            do="Put them back as they were, or start a new run.",
        )
    session.steps = _steps(session, manifest)
    restore(session, checkpoint)
    session.patience.waited = 0 if _asks_for_more(session.job, manifest) else manifest.waited
    if not any(c.field.name == "per_device_train_batch_size" for c in _changes(session.job, manifest)):
        session.budget = manifest.budget  # memory may have run out with more
        session.eval_budget = manifest.eval_budget or session.eval_budget
    same = manifest.recipe == recipe_digest(session.job.recipe)
    session.proved = same and manifest.device == session.machine.name
    if manifest.recomputes and checkpointing.possible(session.student.peft):
        checkpointing.switch_on(session.student.peft.get_base_model())
    session.journal(ev.Resumed(step=manifest.step, path=str(checkpoint.path)))


def _steps(session: Session, manifest: Manifest) -> int:
    """Optimizer steps of the whole run: those done, and those that the present batch needs for the rest."""
    recipe = session.recipe
    if recipe.max_steps > 0:
        return max(recipe.max_steps, manifest.step)
    return manifest.step + session.feed.steps_left(manifest.position, session.steps)


def _asks_for_more(job: Job, manifest: Manifest) -> bool:
    """True where a run goes on that someone gave more to do, or another patience, since its checkpoint."""
    more = ("num_train_epochs", "max_steps", "restart_step", "early_stopping_patience")
    return any(change.field.name in more for change in _changes(job, manifest))


def _changes(job: Job, manifest: Manifest) -> list[Change]:
    return changes(manifest.settings, job.recipe) if manifest.settings else []


def _compare(job: Job, journal: Journal, checkpoint: Checkpoint | None) -> None:
    """Say what of the recipe is not as it was, and refuse that with which the run cannot go on."""
    if checkpoint is None:
        return
    found = _changes(job, checkpoint.manifest)
    for change in found:
        journal.log(f"{change}", "warning" if change.means == "changes" else "info")
    try:
        refuse(found, str(job.folder / "recipe.yaml"))
    except Problem as problem:
        raise Refusal("checkpoint_resume", problem.what, where=problem.where, why=problem.why,
                      do=problem.do) from problem  # fmt: skip
    if not found and checkpoint.manifest.recipe != recipe_digest(job.recipe):
        journal.log("The recipe changed since the checkpoint; the run goes on with the new one.", "warning")


def _announce(session: Session) -> None:
    trainable, parameters = session.student.counts
    laid = session.student.laid
    session.journal(
        ev.Planned(
            steps=session.steps,
            epochs=session.steps / session.feed.steps_per_epoch,
            rows=len(session.data.train),
            eval_rows=len(session.data.eval) if session.data.eval else 0,
            tokens=session.data.train.tokens,
            label_tokens=session.data.train.label_tokens,
            trainable=trainable,
            parameters=parameters,
            batch_rows=min(session.feed.batch, session.feed.rows),
            precision=session.machine.precision,
            device=session.machine.name,
            objective=session.recipe.objective,
            form=session.data.form,
            rank=laid.rank,
            targets=laid.targets,
            layers=laid.layers,
            learning_rate=session.course.peak(session.step + 1),
            base=held_in(session.student.peft),
            attention=kernel(session.student.peft.get_base_model()),
            optimizer=session.recipe.optim,
            prints=prints_of(session.data, session.tokenizer, session.recipe),
        )
    )
    session.journal.log(laid.told)
    if session.machine.sharded:
        ranks = session.machine.world
        session.journal.log(f"the base is spread over {ranks} ranks (FSDP2); no samples are written")
    for note in (_computed(session), *laid.notes):
        session.journal.log(note)
    for finding in (*session.machine.findings, *session.optimizer.findings, *laid.findings):
        session.journal.found(finding)


def _computed(session: Session) -> str:
    """How the steps are computed, as the device, the packages and the recipe let it."""
    machine, optimizer = session.machine, session.optimizer
    held = held_in(session.student.peft) or str(machine.dtype).removeprefix("torch.")
    waits = optimizer.waits and machine.device.type != "cpu"
    return (
        f"computes in {machine.precision} on {machine.name}, the base's weights held in {held}; "
        f"attention by {kernel(session.student.peft.get_base_model())}; {session.recipe.optim}"
        f"{', which waits for the device once a step' if waits else ''}"
    )


def _newest(job: Job, journal: Journal) -> Checkpoint | None:
    checkpoint, rejected = newest(job.checkpoints)
    if rejected:
        used = f"Going on from {checkpoint.path.name}" if checkpoint else "Starting from the beginning"
        journal.found(
            Finding(
                category="checkpoint_resume",
                severity="warning",
                title=f"{used}: a newer checkpoint is damaged or incomplete",
                evidence=rejected,
                cause="The disk filled up, or the machine stopped while it was written.",
                remedy="Nothing; the steps since are done again.",
            )
        )
        if checkpoint is None:
            journal(ev.Resumed(step=0))
    return checkpoint


def _within_context(recipe: Recipe, folder: Path, journal: Journal) -> Recipe:
    """The recipe with no rows longer than the model was made for."""
    context = context_of(folder)
    context = None if context is None else max(context - recipe.tokens_before, 1)
    if context is None or recipe.max_length <= context:
        return recipe
    journal.found(cut_at_context(recipe.max_length, context))
    return msgspec.structs.replace(recipe, max_length=context)


class _Ticker:
    """Reports how many rows are read, a few times a second, and looks for orders."""

    def __init__(self, journal: Journal, listener: Listener) -> None:
        self._journal, self._listener, self._last = journal, listener, 0.0

    def __call__(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._last < _TICK_SECONDS:
            return
        self._last = now
        self._journal(ev.Progress(done=rows, total=0, unit="rows"))
        self._listener.listen()
        if self._listener.leaving and not torch.distributed.is_initialized():
            raise LeftEarly


def _leave_if_asked(listener: Listener, machine: Machine) -> None:
    listener.listen()
    if listener.leaving and machine.world == 1:
        raise LeftEarly


def _check_output(target: Path) -> None:
    """Refuse a place where the adapter could not be put, hours before it has to be."""
    if target.exists() and not target.is_dir():
        raise Refusal(
            "save_or_disk",
            "The output folder is a file.",
            where=str(target),
            do="Choose another output_dir, or move the file away.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in (target.parent, target):
        if folder.is_dir():
            probe = folder / f".{target.name}.probe"
            probe.touch()
            probe.unlink()
