"""The catalogue's facts, and the arithmetic of memory that needs neither torch nor files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.memory.catalogue import Base, bases, config_of, known
from engine.memory.facts import facts_in
from engine.memory.formula import predicted
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
