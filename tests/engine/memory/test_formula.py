"""The catalogue's facts, and the arithmetic of memory that needs neither torch nor files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.memory.catalogue import Base, bases, config_of, known
from engine.memory.facts import facts_in
from engine.memory.formula import predicted
from engine.memory.instant import instant, priced
from engine.memory.limit import Limit
from engine.recipe.recipe import Recipe


@pytest.mark.parametrize("base", bases(), ids=lambda base: base.ids[0])
def test_the_sizes_in_the_catalogue_come_to_the_parameters_on_the_models_cards(base: Base) -> None:
    facts = facts_in(base.config)
    assert facts is not None
    # OPT-350m alone has embeddings narrower than its blocks.
    assert facts.parameters == pytest.approx(base.parameters, rel=0.08 if "opt-350m" in base.ids[0] else 3e-3)


def test_a_model_is_known_by_its_hub_id_and_by_its_name_alone_in_any_case() -> None:
    assert known("tiiuae/falcon-rw-1b") is known("Falcon-RW-1B") is not None
    assert known("nobody/no-such-model") is None


def test_a_folder_with_a_configuration_alone_counts_before_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_size": 8}))
    assert config_of(str(tmp_path)) == {"model_type": "llama", "hidden_size": 8}
    assert config_of(str(tmp_path / "absent")) is None


def test_the_parts_come_to_the_peak_and_a_card_holds_weights_in_half_the_bytes() -> None:
    recipe = Recipe(model="mistralai/Mistral-7B-v0.1", data="rows.jsonl")
    config = config_of(recipe.model)
    assert config is not None
    on_card, on_cpu = (predicted(recipe, config, cuda=cuda) for cuda in (True, False))
    assert on_card is not None
    assert on_cpu is not None
    assert on_card.peak == sum(on_card.named().values())
    assert on_card.weights * 2 == on_cpu.weights
    assert on_card.optimizer == 2 * on_card.adapter == 2 * on_card.gradients
    assert on_cpu.allocator == 0 < on_card.allocator


def test_a_configuration_of_something_else_has_no_price() -> None:
    assert predicted(Recipe(model="m", data="d"), {"model_type": "vits"}, cuda=False) is None


def test_weights_in_four_bits_and_narrow_optimizer_states_are_priced_as_they_are_held() -> None:
    config = config_of("mistralai/Mistral-7B-v0.1")
    assert config is not None
    plain = Recipe(model="m", data="d")
    full, four, eight = (
        predicted(recipe, config, cuda=True)
        for recipe in (
            plain,
            replace(plain, load_in_4bit=True, optim="adamw_8bit"),
            replace(plain, load_in_8bit=True, optim="sgd"),
        )
    )
    assert full is not None
    assert four is not None
    assert eight is not None
    # Embedding and head stay in 16 bits; QLoRA's paper has 0.127 bits of scale a number.
    inside = 7_241_732_096 - 2 * 32_000 * 4096
    assert four.weights == pytest.approx(inside * (4 + 0.127) / 8 + 4 * 32_000 * 4096, rel=0.01)
    assert eight.weights == pytest.approx(inside + 4 * 32_000 * 4096, rel=0.01)
    assert four.optimizer * 4 == full.optimizer
    assert eight.optimizer == 0


@pytest.mark.parametrize(
    ("model", "memory", "length"),
    [("mistralai/Mistral-7B-v0.1", 12, 1024), ("meta-llama/Llama-3.1-8B", 12, 2048), ("gpt2-xl", 6, 1024)],
)
def test_each_change_that_is_offered_makes_it_fit_and_keeps_the_batch(
    model: str, memory: int, length: int
) -> None:
    recipe = Recipe(model=model, data="d", max_length=length)
    card = Limit(bytes=memory << 30, name="a card", cuda=True)
    answer = instant(*priced(recipe), card)
    assert not answer.fits
    assert answer.changes
    for change in answer.changes:
        changed = replace(recipe, **change.patch.recipe)
        again = instant(*priced(changed), card)
        assert again.fits
        assert again.peak == change.peak
        assert changed.batch_rows == recipe.batch_rows
