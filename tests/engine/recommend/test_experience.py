"""What past runs change: they outweigh what is published as they grow, and what failed is not repeated."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.lessons.lesson import Lesson, ModelPrint
from engine.recipe.check import value_of
from engine.recipe.edit import written
from engine.recipe.fields import field_named
from engine.recommend.advise import recommend
from engine.recommend.values import Recommendation, Value
from tests.engine.recommend.knowing import bowl, lesson, situation

GUESS = 2.9e-4
RATES = (5e-5, 1e-4, 3e-4, 9e-4, 2.7e-3)


def rate(found: Recommendation) -> Value:
    return next(value for value in found.values if value.field == "learning_rate")


def on(dataset: str, best: float, level: float = 1.0, first: int = 1) -> list[Lesson]:
    """Five runs on a dataset of a level of its own, whose best rate is `best`."""
    return [
        lesson(str(first + at), level * bowl(each, best), files=f"/data/{dataset}.jsonl", learning_rate=each)
        for at, each in enumerate(RATES)
    ]


def test_without_runs_it_is_the_first_guess() -> None:
    assert rate(recommend(situation())).value == GUESS
    assert recommend(situation()).runs == 0


def test_runs_on_other_data_move_the_rate_to_where_they_did_best() -> None:
    past = [*on("a", 1.5e-3, 1.0, 1), *on("b", 1.5e-3, 3.0, 6), *on("c", 1.5e-3, 0.2, 11)]
    found = recommend(situation(), past)
    assert 6e-4 <= rate(found).value <= 3e-3
    assert rate(found).source == "your runs"
    rates = {one.run: one.recipe["learning_rate"] for one in past}
    assert len(rate(found).runs) == 3
    for run in rate(found).runs:
        assert f"run {run} with {written(rates[run])} missed" in rate(found).reason
    assert found.runs == 15
    assert found.expected_gain > 0.02


def test_the_more_runs_speak_for_a_value_the_surer_it_is() -> None:
    few = recommend(situation(), on("a", 1.5e-3))
    many = recommend(situation(), [*on("a", 1.5e-3), *on("b", 1.5e-3, 2.0, 6), *on("c", 1.5e-3, 2.0, 11)])
    distances = [abs(math.log2(rate(found).value / 1.5e-3)) for found in (recommend(situation()), few, many)]
    assert distances[0] > distances[1] >= distances[2]
    assert rate(many).confidence > rate(few).confidence


def test_runs_that_agree_with_what_is_published_make_it_surer() -> None:
    past = [*on("a", GUESS), *on("b", GUESS, 2.0, 6)]
    found = recommend(situation(), past)
    assert rate(found).value == pytest.approx(GUESS, rel=0.5)
    assert rate(found).confidence > rate(recommend(situation())).confidence


def test_one_run_on_each_dataset_compares_nothing() -> None:
    past = [lesson(str(at), 0.1 * at + 1, files=f"/{at}.jsonl", learning_rate=1e-3) for at in range(1, 9)]
    assert rate(recommend(situation(), past)).value == GUESS


def test_a_level_of_its_own_is_no_merit_of_settings() -> None:
    """Easy data was learnt with one rate, hard data with another: that says nothing of the rates."""
    easy = [lesson(str(at), 0.5, files="/easy.jsonl", learning_rate=3e-5) for at in range(1, 5)]
    hard = [lesson(str(at), 3.0, files="/hard.jsonl", learning_rate=GUESS) for at in range(5, 9)]
    assert rate(recommend(situation(), [*easy, *hard])).value == GUESS


def test_other_objectives_and_methods_are_not_compared() -> None:
    past = [
        lesson(str(at), bowl(each, 1e-2), learning_rate=each, objective="dpo")
        for at, each in enumerate(RATES)
    ]
    assert rate(recommend(situation(), past)).value == GUESS


def test_smaller_steps_are_taken_where_they_paid() -> None:
    one = {"gradient_accumulation_steps": 1, "learning_rate": GUESS}
    past = [
        lesson(
            f"{name}{rows}", 1 + 0.1 * math.log2(rows), files=name, per_device_train_batch_size=rows, **one
        )
        for name in ("a", "b", "c")
        for rows in (4, 8, 16, 32)
    ]
    found = recommend(situation(), past)
    assert found.recipe.batch_rows == 4
    assert "further" in next(v.reason for v in found.values if v.field == "per_device_train_batch_size")


def test_what_a_person_has_decided_no_run_changes() -> None:
    past = [*on("a", 3e-3), *on("b", 3e-3, 2.0, 6)]
    assert recommend(situation(kept=frozenset({"learning_rate"})), past).recipe.learning_rate == 2e-4


# --- what failed ---


def test_a_rate_that_diverged_is_not_repeated_and_what_worked_is_said() -> None:
    past = [
        lesson("12", None, broke="loss_spike_divergence", learning_rate=2e-4),
        lesson("19", None, broke="loss_spike_divergence", learning_rate=2e-4),
        lesson("20", 1.1, learning_rate=1e-4),
    ]
    found = recommend(situation(), past)
    assert rate(found).value == 1e-4
    assert rate(found).source == "your runs"
    assert rate(found).reason == (
        "learning_rate 2e-4 diverged twice on this model (runs 12, 19); 1e-4 worked (run 20)."
    )
    assert [finding.category for finding in found.findings] == ["history"]


def test_where_nothing_has_worked_less_is_tried() -> None:
    found = recommend(situation(), [lesson("7", None, broke="loss_spike_divergence", learning_rate=2e-4)])
    assert rate(found).value < 2e-4
    assert "has not been tried" in rate(found).reason


def test_a_rate_that_worked_since_is_not_avoided() -> None:
    past = [
        lesson("1", None, broke="loss_spike_divergence", learning_rate=2e-4),
        lesson("2", 1.0, learning_rate=3e-4),
    ]
    assert rate(recommend(situation(), past)).value == GUESS


def test_another_model_s_failures_are_its_own() -> None:
    past = [lesson("1", None, broke="loss_spike_divergence", learning_rate=2e-4, model="another/model")]
    tiny = ModelPrint(name="tiny", family="gpt2", layers=2, hidden=64, vocabulary=500)
    far = [replace(each, model=tiny) for each in past]
    assert rate(recommend(situation(), far)).value == GUESS


def test_a_person_who_insists_on_a_rate_that_failed_is_warned() -> None:
    past = [lesson("3", None, broke="loss_spike_divergence", learning_rate=2e-4)]
    found = recommend(situation(kept=frozenset({"learning_rate"})), past)
    assert found.recipe.learning_rate == 2e-4
    [finding] = [finding for finding in found.findings if finding.category == "history"]
    assert finding.severity == "warning"


def test_rows_at_a_time_that_ran_out_of_memory_are_not_tried_again() -> None:
    way = {"per_device_train_batch_size": 8, "max_length": 704}
    out = lesson("5", None, broke="oom", status="failed", **way)
    before, after = recommend(situation()), recommend(situation(), [out])
    assert before.recipe.per_device_train_batch_size > 4
    rows = next(v for v in after.values if v.field == "per_device_train_batch_size")
    assert rows.value < 8
    assert rows.runs == ["5"]
    assert after.recipe.batch_rows == before.recipe.batch_rows


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.floats(),
    st.integers(-5, 10**12),
    st.just([]),
    st.just({}),
)


@settings(max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries({
            "learning_rate": st.one_of(ODD, st.floats(1e-6, 1)),
            "lora_r": st.one_of(ODD, st.integers(1, 64)),
            "lora_alpha": ODD,
            "num_train_epochs": ODD,
            "per_device_train_batch_size": st.one_of(ODD, st.integers(1, 64)),
            "gradient_accumulation_steps": st.one_of(ODD, st.just(1)),
            "lr_scheduler_type": st.one_of(ODD, st.just("cosine")),
            "target_modules": ODD,
        }),
        max_size=8,
    ),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.floats()),
)  # fmt: skip
def test_lessons_of_any_content_harm_nothing(
    recipes: list[dict[str, object]], loss: float | None, first: float | None
) -> None:
    """Lessons can be imported from a file that anyone has written."""
    past = [
        replace(
            lesson(str(at), loss),
            recipe={**lesson(str(at)).recipe, **odd},
            first_eval_loss=first,
            planned=0 if at % 2 else 1000,
        )
        for at, odd in enumerate(recipes)
    ]
    found = recommend(situation(), [*past, *on("a", 1e-3, first=100)])
    for each in found.values:
        assert value_of(field_named(each.field), each.value) == each.value
        assert 0 <= each.confidence <= 1
    assert math.isfinite(found.expected_gain)
