"""What `runs show` says of memory."""

from __future__ import annotations

from engine import events as ev
from engine.run_state import fold
from openlora_tui.cli import runs
from tests.engine import strategies as some

MEASURED = (
    ev.Predicted(bytes=19 << 30, parts={"weights": 19 << 30}),
    ev.Measured(phase="loading model", bytes=3 << 30),
    ev.Measured(phase="training", bytes=17 << 30, reserved=18 << 30),
)


def test_it_tells_the_peak_of_each_phase_against_what_was_predicted() -> None:
    state = fold(some.lines(*some.started(), *MEASURED))
    said = dict(runs._facts(state))["memory"]
    assert said == "18.0 GiB at most, 19.0 GiB predicted (loading model 3.0 GiB, training 18.0 GiB)"
    shown = runs._shown(state)
    assert shown["predicted_memory"] == {"bytes": 19 << 30, "parts": {"weights": 19 << 30}}
    assert shown["peak_memory"] == 18 << 30
    assert shown["memory"] == {
        "loading model": {"bytes": 3 << 30, "reserved": 0},
        "training": {"bytes": 17 << 30, "reserved": 18 << 30},
    }


def test_of_a_run_that_measured_nothing_it_says_nothing() -> None:
    state = fold(some.lines(*some.started()))
    assert "memory" not in dict(runs._facts(state))
    assert runs._shown(state)["peak_memory"] is None
