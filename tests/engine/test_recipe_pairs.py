"""What a recipe of preferences, or one that merges an adapter first, cannot say."""

from __future__ import annotations

import pytest

from engine.problem import Problem
from engine.recipe.yaml import parse


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("merge_adapter: true", "no adapter is named"),
        ("adapter: last\nload_in_4bit: true\nmerge_adapter: true", "quantised"),
        ("adapter: last\nuse_dora: true\nmerge_adapter: true", "use_dora"),
        ("objective: dpo\ndata_format: alpaca", "takes pairs"),
        ("objective: orpo\ntrain_on: all", "the same prompt"),
    ],
)
def test_what_preferences_and_merging_exclude_is_told(words: str, told: str) -> None:
    with pytest.raises(Problem, match=told):
        parse(f"model: m\ndata: d\n{words}\n")
