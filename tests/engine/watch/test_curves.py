"""The rules on real public curves: what failed is named, what was healthy is left alone."""

from __future__ import annotations

import pytest

from tests.benchmarks.watch import Case, cases

WANTED = {
    "entrenar_274_qlora_diverge": "diverged",
    "llamafactory_4031_lora_nan": "not_finite",
    "minicpmv_212_lora_nan": "not_finite",
    "plateau_then_nan_runs": "not_finite",
    "nanogpt_mitos_overfit": "overfit",
    "peft_ln_tuning-default": "flat",
    "peft_tinylora-default": "flat",
    "peft_tinylora-weight-tying": "flat",
}


@pytest.fixture(scope="module")
def found() -> dict[str, Case]:
    known = {case.name: case for case in cases()}
    if not known:
        pytest.skip("needs the folder `shared` with real curves beside the repository")
    return known


@pytest.mark.parametrize("name", WANTED)
def test_a_failing_curve_is_named_by_its_mechanism_first(found: dict[str, Case], name: str) -> None:
    assert found[name].alarms[0].mechanism == WANTED[name]


def test_healthy_curves_raise_no_alarm(found: dict[str, Case]) -> None:
    healthy = [case for case in found.values() if case.healthy]
    assert len(healthy) > 30
    assert {case.name: case.alarms for case in healthy if case.alarms} == {}
