"""A few pasted figures are enough where their relation says what went wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.advisor.read.gather import case_of_text
from engine.advisor.rules.figures.judge import figures
from engine.advisor.rules.figures.read import figures_of
from engine.watch.point import Point
from tests.engine.advisor.told import told


def test_figures_are_put_into_the_right_category_first() -> None:
    rows = told("measured")
    first = [next(iter(diagnose(row.case)), None) for row in rows]
    right = [f is not None and f.category in row.right for f, row in zip(first, rows, strict=True)]
    assert sum(right) >= 0.9 * len(rows)


def test_a_name_holds_for_the_numbers_behind_it_and_steps_are_no_figures() -> None:
    seen = figures_of(
        Case(lines=["train loss 2.5 (step 100), 1.25 at step 200; eval loss 3 -> 2, grad_norm 3.3 million"])
    )
    assert (seen.train, seen.evals, seen.grad) == ([2.5, 1.25], [3.0, 2.0], [3.3e6])
    assert figures_of(Case(lines=["batch size 1: loss 1.5; batch size 4: loss 0.5"])).by_batch == [
        (1, 1.5),
        (4, 0.5),
    ]
    assert figures_of(
        Case(lines=["loss 2.0 with accumulation 2, 4.0 with accumulation 4"])
    ).by_accumulation == [
        (2, 2.0),
        (4, 4.0),
    ]


@pytest.mark.parametrize(
    "healthy",
    [
        "loss 2.4, 1.9, 1.5, 1.3, 1.25 at steps 10 to 50; eval loss 1.6, 1.4, 1.3",
        "{'loss': 1.2, 'grad_norm': 0.8}\n{'loss': 1.3, 'grad_norm': 0.7}\n{'loss': 0.9, 'grad_norm': 0.9}",
        "step 1 loss 2.0 1.9 s/it; step 2 loss 1.8 2.1 s/it; step 3 loss 1.7 1.8 s/it",
        "loss 1.31 with accumulation 2, 1.30 with accumulation 4",
        "batch size 1: loss 1.42; batch size 4: loss 1.40",
        "Iter 1: Val loss 2.343, Val took 3.1s\nIter 10: Train loss 2.1, Peak mem 8.1 GB",
    ],
)
def test_healthy_figures_raise_nothing(healthy: str) -> None:
    assert list(figures(case_of_text(healthy))) == []


def test_a_loss_told_as_0_beside_a_gradient_that_is_none_is_what_people_call_loss_0() -> None:
    points = [Point(step=step, loss=0.0, grad_norm=math.nan) for step in range(1, 4)]
    assert diagnose(Case(points=points))[0].category == "loss_zero"


@given(st.text(alphabet="loseval 0123456789.,;:=>-nabtchgrd_|/%", max_size=300))
def test_whatever_is_pasted_it_can_be_read(text: str) -> None:
    for finding in figures(Case(lines=text.split("\n"))):
        assert 0 < finding.confidence < 1
