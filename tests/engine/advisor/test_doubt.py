"""Two causes that look alike: a test that was made decides, and one that was not is named."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.advisor.doubt import DOUBTS, Doubt, settled
from engine.advisor.trial import judged, tried
from engine.eaten.told import Eaten, Row
from engine.findings import Category, Finding
from engine.run_dir import RunDir
from engine.run_state import RunState


def said(category: Category, confidence: float, **more: object) -> Finding:
    return Finding(category=category, severity="blocker", title=category, confidence=confidence, **more)  # type: ignore[arg-type]


def eaten(*learnt: int) -> Eaten:
    rows = [
        Row(where=f"rows.jsonl:{at}", tokens=50, learnt=count, parts=[]) for at, count in enumerate(learnt, 1)
    ]
    return Eaten(run="1", step=3, epoch=0, loss=0.0, grad_norm=None, lr=1e-4, rows=rows)


@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda doubt: f"{doubt.one}-{doubt.other}")
def test_where_nothing_decides_the_finding_names_the_test(doubt: Doubt) -> None:
    for first, second in ((doubt.one, doubt.other), (doubt.other, doubt.one)):
        ranked = settled(Case(), [said(first, 0.6, remedy="Do this."), said(second, 0.4)])
        assert f"To tell it from {second}: {doubt.test}" in ranked[0].remedy
        assert ranked[0].remedy.startswith("Do this.")
        assert ranked[1].remedy == ""


def test_a_cause_without_a_rival_needs_no_test() -> None:
    for alone in ([said("loss_zero", 0.9)], [said("loss_zero", 0.9), said("nan_or_inf", 0.1)], []):
        assert settled(Case(), alone) == alone


def test_what_our_own_run_has_measured_decides() -> None:
    leak = Finding(
        category="padding_token",
        severity="warning",
        title="padding leaks",
        confidence=0.5,
        evidence=["alone 2, together 5"],
    )
    case = Case(findings=[leak], lines=["the loss is nan"])
    first, *others = diagnose(case)
    assert first.category == "padding_token"
    assert first.evidence[0] == "test: alone 2, together 5"
    nan = next(finding for finding in others if finding.category == "nan_or_inf")
    assert nan.confidence < diagnose(Case(lines=case.lines))[0].confidence


def test_a_step_without_labels_is_masking_and_not_precision() -> None:
    nan = said("nan_or_inf", 0.9, step=3)
    first, second = judged([nan], nan, eaten(0, 0))
    assert (first.category, first.places) == ("loss_zero", ["rows.jsonl:1", "rows.jsonl:2"])
    assert first.evidence == ["test: 0 of the 100 tokens of step 3 have a label"]
    assert second.confidence < nan.confidence


def test_a_step_with_labels_is_not_masking() -> None:
    zero = said("loss_zero", 0.9, step=3)
    (only,) = judged([zero], zero, eaten(0, 20))
    assert only.evidence == [
        "test: 20 of the 100 tokens of step 3 have a label",
        "test: 1 of its 2 rows have none",
    ]
    assert "not masking" in only.cause


def test_a_run_whose_rows_cannot_be_told_is_told_nothing_more(tmp_path: Path) -> None:
    found = [said("loss_zero", 0.9)]
    assert tried(RunDir(tmp_path, "1"), RunState(run="1"), found) == found
    assert tried(RunDir(tmp_path, "1"), RunState(run="1"), [said("oom", 0.9)]) == [said("oom", 0.9)]


def test_findings_are_ranked_by_how_sure_and_how_grave_they_are() -> None:
    case = Case(lines=["CUDA out of memory while evaluating, and the loss was nan before"])
    found = diagnose(case)
    assert [f.category for f in found] == list(dict.fromkeys(f.category for f in found)), (
        "one for each category"
    )
    for better, worse in pairwise(f for f in found if f.severity == "blocker"):
        assert better.confidence >= worse.confidence
