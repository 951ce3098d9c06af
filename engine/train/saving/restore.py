"""Takes a session to where a checkpoint was written, at a resume and when a run goes back."""

from __future__ import annotations

from engine.train import randomness
from engine.train.methods import adapter, budget
from engine.train.saving.checkpoint import Checkpoint
from engine.train.session import Session


def restore(session: Session, checkpoint: Checkpoint) -> None:
    """Weights, optimizer, random numbers, position, and what the guard remembers."""
    manifest, machine = checkpoint.manifest, session.machine
    adapter.read_into(session.student.peft, checkpoint.path)
    states = checkpoint.optimizer()
    session.optimizer.restore(states)
    budget.restore(session.student.peft, states)
    if saved := checkpoint.randomness(machine.rank):
        randomness.restore(saved, machine)
    session.step, session.position = manifest.step, manifest.position
    session.initial, session.best = manifest.initial, manifest.best
    session.patience.waited = manifest.waited
    session.ledger.losses.clear()
    session.ledger.losses.extend(manifest.losses)
    session.ledger.good = manifest.good
    if manifest.watch is not None:
        session.ledger.watch = manifest.watch
    session.ledger.watch.plan(session.steps)
    session.ledger.begin()
    session.measured, session.shown, session.saved = manifest.measured, manifest.shown, manifest.step
    session.eval_loss, session.checkpoint_bytes = manifest.eval_loss, checkpoint.bytes
    session.journal.step = manifest.step
