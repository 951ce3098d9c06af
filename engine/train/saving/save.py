"""Puts a session on disk: checkpoints to go on from, and the verified adapter to take away."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import msgspec

from engine import events as ev
from engine import faults, room
from engine.atomic import draft, draft_of, publish
from engine.data.tokenizer import CHAT_TEMPLATE
from engine.findings import Finding
from engine.room import Need
from engine.train import randomness
from engine.train.memory import checkpointing
from engine.train.memory.advice import lacking
from engine.train.memory.beside import left_out, twice
from engine.train.memory.exhausted import Shortage, out_of_memory
from engine.train.methods import adapter, budget
from engine.train.methods.merging import add_merged
from engine.train.methods.verify import prove_saved, verify
from engine.train.saving.checkpoint import (
    Manifest,
    best,
    complete,
    folder_name,
    keep,
    write_randomness,
    write_states,
)
from engine.train.saving.sizes import adapter_bytes, checkpoint_bytes
from engine.train.session import Session, recipe_digest

_LONGEST = 30.0
"""Seconds between two tries where the file system seems to have room and refuses all the same."""
_ELSEWHERE: Final = (RuntimeError, MemoryError, lambda said: OSError(errno.ENOSPC, said))
_NONE: Final = len(_ELSEWHERE)


def save_checkpoint(session: Session) -> bool:
    """Write a checkpoint of the current step, unless there is one; a full disk is waited for.

    Returns:
        False where someone left rather than wait for room, or memory ran out: there is no checkpoint of this
        step then.
    """
    if session.saved == session.step:
        session.listener.saved()
        return True
    session.ledger.settle()
    folder = session.job.checkpoints
    began = time.monotonic()
    with session.apart("saving"):
        need = Need(what="a checkpoint", bytes=checkpoint_bytes(session), folder=folder)
        target = folder / folder_name(session.step)
        size = twice(session, lambda: with_room(session, need, lambda: _checkpoint(session, target)))
    if isinstance(size, Shortage):
        left_out(session, "The checkpoint", "saving", size)
        session.listener.saved()
        return False
    if size is None:
        return False
    path = str(folder / folder_name(session.step))
    session.journal(ev.Saved(step=session.step, path=path, bytes=size, seconds=time.monotonic() - began))
    session.saved, session.checkpoint_bytes = session.step, size
    session.listener.saved()
    return True


def save_adapter(session: Session) -> Path | None:
    """Write the adapter, look at it as a stranger would, and only then put it in its place.

    Returns:
        Where it is; None where someone left rather than wait for room on the disk.

    Raises:
        Refusal: it is not sound, or learnt nothing.
    """
    target = session.job.adapter
    need = Need(what="the adapter", bytes=adapter_bytes(session), folder=target.parent)
    done = twice(session, lambda: with_room(session, need, lambda: _adapter(session, target)))
    if isinstance(done, Shortage):
        raise lacking(session.recipe, "saving", done.said, "It was tried twice.")
    return None if done is None else target.absolute()


def take_best(session: Session) -> None:
    """Where the recipe wants it, put the weights of the best checkpoint into the model, to be saved."""
    if not session.recipe.takes_best:
        return
    found = best(session.job.checkpoints)
    if found is None:
        told = "no loss was measured on held-out rows, and the last adapter is taken"
        session.journal.log(told, "warning")
        return
    loss, step = found.manifest.eval_loss, found.manifest.step
    begun = session.ledger.watch.learnt.first_eval
    if begun is not None and loss is not None and loss > begun:
        session.journal.found(_worse_than_before(step, loss, begun))
    if step == session.step:
        return
    adapter.read_into(session.student.peft, found.path)
    session.journal.log(f"the adapter is that of step {step:,}, the best by evaluation loss: {loss:.4g}")


def _worse_than_before(step: int, loss: float, begun: float) -> Finding:
    return Finding(
        category="overfit_memorising",
        severity="warning",
        title="On held-out rows the best adapter is worse than the model was before training",
        evidence=[f"evaluation loss {begun:.4g} before the first step, {loss:.4g} with the adapter"],
        cause="learning_rate is too high, or the held-out rows are unlike those that are learnt.",
        remedy="Lower learning_rate to a third, or hold out rows of the same kind.",
        step=step,
    )


def with_room(session: Session, need: Need, write: Callable[[], int]) -> int | None:
    """What `write` returns, once the disk takes it; None where someone left rather than wait.

    Several ranks try together and fail together.
    """
    machine, delay = session.machine, 1.0
    while True:
        error, size = None, 0
        short = machine.rank == 0 and not room.fits(need)
        if not machine.any(mine=short):
            try:
                size = write()
            except Exception as raised:
                error = room.refusal(raised)
                if error is None:
                    raise
            if not machine.any(mine=error is not None):
                return size
        if not _held(session, need, error, delay):
            return None
        delay = min(delay * 2, _LONGEST) if error is not None else 1.0


def _held(session: Session, need: Need, error: OSError | None, seconds: float) -> bool:
    """Pause until there is room again; rank 0 decides for all."""
    gone = False
    if session.machine.rank == 0:
        waits = seconds if error is not None else 0.0
        gone = not session.listener.hold(
            need, error, lambda: room.granted(need), session.job.folder, seconds=waits
        )
    return not session.machine.any(mine=gone)


def try_checkpoint(session: Session) -> None:
    """Write a checkpoint and remove it again, to see that it can be written.

    Raises:
        Refusal: memory does not suffice for it.
    """
    folder = session.job.checkpoints
    had = folder.is_dir()
    need = Need(what="a checkpoint", bytes=checkpoint_bytes(session), folder=folder)
    done = twice(session, lambda: with_room(session, need, lambda: _tried(session, folder / "rehearsal")))
    if isinstance(done, Shortage):
        raise lacking(session.recipe, "saving", done.said, "It was tried twice.")
    if session.machine.rank == 0 and not had and folder.is_dir():
        folder.rmdir()


def _tried(session: Session, target: Path) -> int:
    with _drafted(session, target):
        return 0


def _checkpoint(session: Session, target: Path) -> int:
    """Write what each rank has, then let the first one complete it; its bytes there, 0 on the others."""
    with _drafted(session, target) as folder:
        if session.machine.rank != 0:
            return 0
        size = complete(folder, target, _manifest(session))
    faults.checkpoint(target)
    keep(session.job.checkpoints, session.step, session.recipe.save_total_limit)
    return size


@contextmanager
def _drafted(session: Session, target: Path) -> Iterator[Path]:
    """The draft of a checkpoint, with what every rank has in it."""
    machine = session.machine
    with draft(target) if machine.rank == 0 else nullcontext(draft_of(target)) as folder:
        machine.wait()
        failed = _failure(lambda: _parts(session, folder))
        gravest = machine.least(_gravity(failed))
        if gravest < _NONE:
            raise failed or _ELSEWHERE[gravest]("another rank failed")
        yield folder


def _failure(write: Callable[[], None]) -> Exception | None:
    try:
        write()
    except Exception as error:
        return error
    return None


def _gravity(failed: Exception | None) -> int:
    """What ranks compare, so that all of them answer to the gravest: a failure, memory, the disk, nothing."""
    if failed is None:
        return _NONE
    return 2 if room.refusal(failed) else int(out_of_memory(failed))


def _parts(session: Session, folder: Path) -> None:
    machine = session.machine
    if machine.rank == 0:
        adapter.write(folder, session.student.peft, session.job.recipe.model)
        faults.writing("checkpoint", folder)
        write_states(folder, session.optimizer.state() | budget.state(session.student.peft))
    write_randomness(folder, machine.rank, randomness.state(machine))


def _adapter(session: Session, target: Path) -> int:
    if session.machine.rank != 0:
        return 0
    with draft(target) as folder:
        live = adapter.write(folder, session.student.peft, session.job.recipe.model)
        _template(session, folder)
        faults.writing("adapter", folder)
        for finding in verify(folder, live, session.initial, session.student.laid.method):
            session.journal.found(finding)
        if session.student.laid.merged is not None:
            prove_saved(folder, add_merged(folder, session.student.peft, session.student.laid.merged))
        publish(folder, target)
    return 0


def _template(session: Session, folder: Path) -> None:
    """The template that a recipe chose goes along with the adapter, so that nobody writes otherwise to it."""
    template = session.tokenizer.template
    if session.recipe.chat_template is not None and template.source is not None:
        (folder / CHAT_TEMPLATE).write_text(template.source, encoding="utf-8")


def _manifest(session: Session) -> Manifest:
    return Manifest(
        step=session.step,
        position=session.position,
        recipe=recipe_digest(session.job.recipe),
        data=session.data_digest,
        day=session.day,
        initial=session.initial,
        best=session.best,
        losses=list(session.ledger.losses),
        good=session.ledger.good,
        watch=session.ledger.watch,
        measured=session.measured,
        shown=session.shown,
        budget=session.budget,
        waited=session.patience.waited,
        eval_budget=session.eval_budget,
        device=session.machine.name,
        recomputes=checkpointing.is_on(session.student.peft),
        settings=msgspec.to_builtins(session.job.recipe),
        eval_loss=session.eval_loss if session.measured == session.step else None,
    )
