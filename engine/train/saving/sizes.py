"""How much room a run needs on the disk, from the adapter that it trains."""

from __future__ import annotations

from engine import room, run_size
from engine.data.refusal import Refusal
from engine.problem import WORK_FAILED, Problem
from engine.train.session import Session


def adapter_bytes(session: Session) -> int:
    """What the adapter takes at most, a few kB aside."""
    return run_size.adapter_bytes(*_held(session))


def checkpoint_bytes(session: Session) -> int:
    """What the next checkpoint takes: as much as the last one, or a bound from what trains."""
    if session.checkpoint_bytes:
        return session.checkpoint_bytes + (session.checkpoint_bytes >> 6) + (16 << 10)
    return run_size.checkpoint_bytes(*_held(session), session.machine.world)


def check_room(session: Session) -> None:
    """See to it before the first step that the disk can take what the run will leave on it.

    Raises:
        Refusal: how much is needed, where, how much is free, and what could go.
    """
    job = session.job
    wanted = run_size.Wanted(
        checkpoints=run_size.at_once(session.recipe, session.steps, measured=session.held_out is not None),
        each=checkpoint_bytes(session),
        adapter=adapter_bytes(session),
        steps=session.steps - session.step,
        held=room.held(job.checkpoints) if job.checkpoints.is_dir() else 0,
    )
    try:
        run_size.prove_room(wanted, job.folder, job.adapter)
    except Problem as lacking:
        raise Refusal("save_or_disk", lacking.what, where=lacking.where, why=lacking.why, do=lacking.do,
                      exit_status=WORK_FAILED) from None  # fmt: skip


def _held(session: Session) -> tuple[int, int]:
    """Bytes and number of the tensors that train."""
    parameters = session.optimizer.parameters
    return sum(p.numel() * p.element_size() for p in parameters), len(parameters)
