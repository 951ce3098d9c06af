"""Real failures and real curves: the bars of the benchmark hold."""

from __future__ import annotations

import pytest

from tests.benchmarks.diagnosis import Real, alarms, cases


@pytest.fixture(scope="module")
def real() -> list[Real]:
    known = cases()
    if not known:
        pytest.skip("needs the folder `shared` with real failures beside the repository")
    return known


@pytest.mark.parametrize(
    ("kind", "bar"), [("error_text", 0.9), ("metrics_or_values", 0.9), ("paraphrased_symptom", 0.75)]
)
def test_the_right_category_comes_first(real: list[Real], kind: str, bar: float) -> None:
    first = [case.is_right(case.first(configured=True)) for case in real if case.kind == kind]
    assert sum(first) >= bar * len(first)


def test_the_log_alone_is_nearly_as_good(real: list[Real]) -> None:
    first = [case.is_right(case.first(configured=False)) for case in real]
    assert sum(first) >= 0.85 * len(first)


def test_healthy_curves_are_not_warned_of() -> None:
    false, healthy = alarms()
    if not healthy:
        pytest.skip("needs the folder `shared` with real curves beside the repository")
    assert len(false) <= 0.03 * healthy, false
