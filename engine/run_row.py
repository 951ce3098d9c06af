"""What a list shows of a run."""

from __future__ import annotations

from engine.messages import RunRow
from engine.run_state import RunState


def row_of(state: RunState, *, silent: bool = False) -> RunRow:
    """The row of a run in a list."""
    return RunRow(
        run=state.run,
        name=state.name,
        status=state.status,
        model=state.model,
        data=state.data,
        created=state.created,
        updated=state.updated,
        step=state.step,
        steps=state.steps,
        loss=state.mean_loss,
        eval_loss=state.eval_loss.latest,
        device=state.device,
        adapter=state.outcome.adapter if state.outcome else None,
        lineage=state.lineage,
        reason=state.reason,
        phase=state.phase,
        worker_pid=state.pid,
        findings=len(state.findings),
        silent=silent,
        held=state.held and state.status == "queued",
        place=state.place,
        predicted_memory=state.predicted.bytes if state.predicted else 0,
        peak_memory=state.memory_peak,
        tags=state.remarks.tags,
        note=state.remarks.note,
        base=state.plan.base if state.plan else "",
    )
