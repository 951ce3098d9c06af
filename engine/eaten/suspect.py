"""Which step a person means who asks what was eaten and names none."""

from __future__ import annotations

from engine.run_state import RunState

_SUSPECT = ("loss_spike_divergence", "nan_or_inf", "loss_zero", "leakage")


def suspect_step(state: RunState) -> int:
    """The last step that was found fault with, where its rows may be to blame; else the last one."""
    backs = [mark.step for mark in state.marks if mark.kind == "back"]
    found = [f.step for f in state.findings if f.step and f.category in _SUSPECT]
    return max([*backs, *found], default=max(state.step, 1))
