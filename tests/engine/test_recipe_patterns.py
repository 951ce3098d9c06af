"""Blocks, patterns and starts, as people type them."""

from __future__ import annotations

import pytest

from engine.recipe import FIELDS
from engine.recipe.check import Mistake, parsed


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("layers_to_transform", "[0, 1]", [0, 1]),
        ("layers_to_transform", "8-10, 2", [2, 8, 9, 10]),
        ("layers_to_transform", "3", [3]),
        ("layers_to_transform", "", []),
        ("rank_pattern", "{q_proj: 32, layers.0.mlp: 4}", {"q_proj": 32, "layers.0.mlp": 4}),
        ("rank_pattern", "", {}),
        ("alpha_pattern", "{q_proj: 0.5}", {"q_proj": 0.5}),
        ("init_lora_weights", "pissa_niter_16", "pissa_niter_16"),
    ],
)
def test_blocks_patterns_and_starts_are_typed_as_people_write_them(
    name: str, typed: str, value: object
) -> None:
    [field] = [one for one in FIELDS if one.name == name]
    assert parsed(field, typed) == value


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("layers_to_transform", "first"),
        ("layers_to_transform", "-1"),
        ("rank_pattern", "{q_proj: 0}"),
        ("rank_pattern", "{q_proj: many}"),
        ("rank_pattern", "q_proj"),
        ("init_lora_weights", "pissa_niter_0"),
        ("init_lora_weights", "pisa"),
    ],
)
def test_what_is_no_block_pattern_or_start_is_told(name: str, typed: str) -> None:
    [field] = [one for one in FIELDS if one.name == name]
    with pytest.raises(Mistake):
        parsed(field, typed)
