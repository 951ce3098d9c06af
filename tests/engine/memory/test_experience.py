"""What past runs teach of a prediction: which of them count, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.memory.experience import experience
from engine.memory.formula import CONTEXT
from engine.memory.instant import instant, priced
from engine.memory.limit import Limit
from engine.messages import RunRow
from engine.recipe.recipe import Recipe

MODEL = "tiiuae/falcon-rw-1b"
RECIPE = Recipe(model=MODEL, data="rows", max_length=1024, per_device_train_batch_size=4)
CARD = Limit(bytes=24 << 30, name="NVIDIA L4", cuda=True)
CPU = Limit(bytes=64 << 30, name="this machine", cuda=False)


def row(ratio: float, **changes: Any) -> RunRow:
    predicted = changes.pop("predicted_memory", 1 << 30)
    fields: dict[str, Any] = {
        "run": "1", "name": "n", "status": "succeeded", "model": MODEL, "data": ["d"], "created": 1.0,
        "updated": 2.0, "device": CARD.name,
    }  # fmt: skip
    return RunRow(**{**fields, **changes}, predicted_memory=predicted, peak_memory=int(predicted * ratio))


def test_the_median_of_the_models_own_runs_on_the_card_counts() -> None:
    others = [row(1.4, model="other") for _ in range(9)]
    found = experience([*others, row(1.1), row(1.06), row(0.9)], RECIPE, CARD)
    assert found is not None
    assert found.factor == pytest.approx(1.06)
    assert (found.runs, found.same_model) == (3, True)


def test_where_the_model_has_too_few_those_of_others_count_too() -> None:
    found = experience([row(1.1), row(1.2, model="other"), row(1.3, model="third")], RECIPE, CARD)
    assert found is not None
    assert found.factor == pytest.approx(1.2)
    assert (found.runs, found.same_model) == (3, False)
    assert found.for_exact(10 << 30, 9 << 30, CARD) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed"},
        {"device": "NVIDIA A100"},
        {"device": "2 x NVIDIA L4"},
        {"base": "nf4, double"},
        {"predicted_memory": 0},
    ],
)
def test_a_run_of_another_kind_does_not_count(changes: dict[str, Any]) -> None:
    assert experience([row(1.1), row(1.1), row(1.1, **changes)], RECIPE, CARD) is None


def test_four_bits_are_a_kind_of_their_own() -> None:
    rows = [row(1.1, base=base) for base in ("nf4, double", "nf4", "nf4", "", "int8")]
    found = experience(rows, Recipe(model=MODEL, data="rows", load_in_4bit=True), CARD)
    assert found is not None
    assert found.runs == 3


@pytest.mark.parametrize(("ratio", "factor"), [(0.1, 0.8), (9.0, 1.5)])
def test_no_experience_moves_a_figure_far(ratio: float, factor: float) -> None:
    found = experience([row(ratio)] * 3, RECIPE, CARD)
    assert found is not None
    assert found.factor == factor


def test_only_the_last_ten_count() -> None:
    rows = [row(1.1 if at < 10 else 1.4, created=100.0 - at) for at in range(30)]
    found = experience(rows[::-1], RECIPE, CARD)
    assert found is not None
    assert (found.runs, found.factor) == (10, pytest.approx(1.1))


def test_on_the_cpu_small_runs_do_not_count() -> None:
    small = [row(1.4, device="cpu", predicted_memory=(256 << 20) - 1)] * 5
    large = [row(1.1, device="cpu", predicted_memory=256 << 20)] * 3
    assert experience(small, RECIPE, CPU) is None
    found = experience(small + large, RECIPE, CPU)
    assert found is not None
    assert found.factor == pytest.approx(1.1)


def test_whether_it_fits_and_how_much_would_go_by_the_corrected_figure() -> None:
    plain = instant(*priced(RECIPE), CARD)
    tight = Limit(bytes=int(plain.peak * 1.1), name=CARD.name, cuda=True)
    found = experience([row(1.3)] * 3, RECIPE, tight)
    before, after = instant(*priced(RECIPE), tight), instant(*priced(RECIPE), tight, past=found)
    assert before.fits
    assert not after.fits
    assert after.peak == before.peak
    assert after.corrected == pytest.approx(CONTEXT + 1.3 * (after.peak - CONTEXT), abs=64)
    assert after.largest is not None
    assert before.largest is not None
    assert after.largest < before.largest
    for change in after.changes:
        assert found is not None
        assert found.expected(change.peak, tight) <= tight.bytes


def test_an_exact_figure_is_led_to_what_the_runs_made_of_the_formulas() -> None:
    found = experience([row(1.1, device="cpu")] * 3, RECIPE, CPU)
    assert found is not None
    known = found.for_exact(10 << 30, 11 << 30, CPU)
    assert known is not None
    assert known.expected(11 << 30, CPU) == pytest.approx(found.expected(10 << 30, CPU), abs=2)
    assert known.factor == found.factor
