"""The first guess: each value by what is published, the data and the memory, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.inspection.lengths import Lengths
from engine.recipe.check import value_of
from engine.recipe.fields import field_named
from engine.recipe.together import clashes
from engine.recommend.advise import recommend
from engine.recommend.published import guessed_rate
from engine.recommend.values import Recommendation, Value
from tests.engine.recommend.knowing import LLAMA, lengths, situation


def value(found: Recommendation, field: str) -> Value:
    return next(value for value in found.values if value.field == field)


def test_every_value_that_decides_has_a_reason_a_source_and_how_sure_it_is() -> None:
    found = recommend(situation())
    decided = {value.field for value in found.values}
    assert decided >= {
        "lora_r", "lora_alpha", "target_modules", "learning_rate", "lr_scheduler_type", "warmup_ratio",
        "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "max_length",
        "mixed_precision", "method",
    }  # fmt: skip
    for each in found.values:
        assert each.reason
        assert 0 < each.confidence < 1
        assert each.source != "your runs"
        assert getattr(found.recipe, each.field) == each.value
    cited = " ".join(cite for each in found.values for cite in each.cites)
    assert "2305.14314" in cited
    assert "LoRA Without Regret" in cited


def test_rows_are_as_long_as_the_longest_and_no_longer() -> None:
    assert value(recommend(situation({300: 90, 700: 10})), "max_length").value == 704
    odd = value(recommend(situation({300: 999, 8000: 1})), "max_length")
    assert odd.value == 384
    assert "1 row" in odd.reason


def test_the_models_context_ends_rows_and_what_is_cut_is_said() -> None:
    found = recommend(situation({300: 90, 9000: 10}))
    assert value(found, "max_length").value == 8192
    [finding] = [finding for finding in found.findings if finding.category == "truncation"]
    assert finding.count == 10
    assert finding.patch is not None
    assert finding.patch.recipe == {"truncation": "drop"}


def test_the_rate_is_the_published_one_for_the_models_width() -> None:
    # 5e-4 (2000 / width)^0.781 for Llama and ^0.0775 for Qwen, as the authors of LoRA Without Regret ship it.
    assert guessed_rate("llama", 4096, 8_000_000_000, 1000) == 2.9e-4
    assert guessed_rate("qwen2", 3584, 7_000_000_000, 1000) == 4.8e-4
    assert guessed_rate("llama", 8192, 70_000_000_000, 1000) == 1e-4
    assert guessed_rate("llama", 4096, 8_000_000_000, 50) == pytest.approx(1.5 * 2.9e-4, rel=0.02)
    assert value(recommend(situation()), "learning_rate").value == 2.9e-4


def test_a_rate_that_is_a_guess_says_so_and_is_less_sure() -> None:
    tiny = recommend(situation(config=LLAMA | {"hidden_size": 64, "intermediate_size": 172}))
    assert "guess" in value(tiny, "learning_rate").reason
    assert value(tiny, "learning_rate").confidence < value(recommend(situation()), "learning_rate").confidence


def test_the_rank_grows_with_what_there_is_to_learn() -> None:
    small = recommend(situation({300: 500}))
    large = recommend(situation(lengths=lengths({300: 4000}), rows=4_000_000, share=0.001, tokens={}))
    assert value(small, "lora_r").value == 16
    assert value(large, "lora_r").value >= 64
    assert value(large, "use_rslora").value is True
    assert any("2312.03732" in cite for cite in value(large, "use_rslora").cites)


def test_pairs_are_compared_and_learnt_slowly() -> None:
    found = recommend(situation(pairs=True, shape="preference"))
    assert value(found, "objective").value == "dpo"
    assert value(found, "learning_rate").value == 5e-6
    assert value(found, "num_train_epochs").value == 1


def test_small_datasets_get_small_steps_and_more_epochs() -> None:
    few, many = recommend(situation({300: 150})), recommend(situation({300: 5000}))
    assert few.recipe.batch_rows < many.recipe.batch_rows <= 16
    assert few.recipe.num_train_epochs > many.recipe.num_train_epochs
    assert few.recipe.warmup_ratio >= many.recipe.warmup_ratio == 0.03
    assert any("Augment" in finding.remedy for finding in few.findings)
    assert not any("Augment" in finding.remedy for finding in many.findings)


def test_what_does_not_fit_in_16_bits_is_held_in_4() -> None:
    large, small = recommend(situation(gib=80)), recommend(situation(gib=12))
    assert value(large, "load_in_4bit").value is False
    assert value(small, "load_in_4bit").value is True
    assert small.recipe.batch_rows == large.recipe.batch_rows
    assert (large.recipe.gradient_checkpointing, small.recipe.gradient_checkpointing) == (False, True)
    assert small.peak_bytes is not None
    assert small.memory_bytes is not None
    assert small.peak_bytes < small.memory_bytes


def test_a_card_that_is_too_small_for_anything_is_told_of() -> None:
    found = recommend(situation(gib=2))
    assert [finding.category for finding in found.findings if finding.severity == "warning"] == ["oom"]


def test_what_a_person_has_decided_stays() -> None:
    kept = frozenset({"learning_rate", "load_in_4bit"})
    found = recommend(situation(gib=12, kept=kept, recipe={"learning_rate": 1e-3}))
    assert found.recipe.learning_rate == 1e-3
    assert found.recipe.load_in_4bit is False
    assert value(found, "learning_rate").source == "your choice"


def test_a_model_and_rows_that_are_not_known_are_said_to_be_unknown() -> None:
    found = recommend(situation(config={}, context=None, lengths=Lengths(), rows=None))
    assert len(found.notes) == 3
    assert value(found, "learning_rate").value == 2e-4
    assert found.peak_bytes is None


def test_little_to_learn_in_much_to_read_calls_for_another_form() -> None:
    thin = recommend(situation(lengths=lengths({900: 1000}, learnt=3), rows=1000))
    assert any("Restructure" in finding.remedy for finding in thin.findings)


@given(
    tokens=st.dictionaries(st.integers(51, 20_000), st.integers(1, 40), min_size=1, max_size=4),
    gib=st.integers(1, 96),
    hidden=st.sampled_from([64, 512, 2048, 8192]),
    pairs=st.booleans(),
    cuda=st.booleans(),
)
def test_whatever_the_data_and_the_card_the_recipe_is_a_valid_one(
    tokens: dict[int, int], gib: int, hidden: int, pairs: bool, cuda: bool
) -> None:
    about: Any = situation(tokens, gib, config=LLAMA | {"hidden_size": hidden}, pairs=pairs)
    found = recommend(about)
    for each in found.values:
        field = field_named(each.field)
        assert field is not None
        assert value_of(field, each.value) == each.value
    assert not list(clashes(lambda name: getattr(found.recipe, name)))
    assert found.recipe.max_length <= 8192
