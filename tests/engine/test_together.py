"""Values that are right one by one may not fit together, and a choice may have other names."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.problem import Problem
from engine.recipe.yaml import parse


def test_fields_that_exclude_each_other_are_told_with_their_line() -> None:
    with pytest.raises(Problem) as caught:
        parse("model: m\ndata: d\nload_in_4bit: true\nload_in_8bit: true\n", Path("r.yaml"))
    assert caught.value.where == "r.yaml:4"
    assert "load_in_4bit" in caught.value.what


OTHERWISE = {"adamw_torch_fused": "adamw_torch", "adamw_bnb_8bit": "adamw_8bit", "lion": "lion_32bit"}


@pytest.mark.parametrize(("typed", "meant"), OTHERWISE.items())
def test_other_names_of_a_choice_are_taken_for_it(typed: str, meant: str) -> None:
    assert parse(f"model: m\ndata: d\noptim: {typed}\n").recipe.optim == meant


def test_a_start_from_what_4_bits_lost_needs_them() -> None:
    text = "model: m\ndata: d\ninit_lora_weights: loftq\n"
    with pytest.raises(Problem, match="init_lora_weights"):
        parse(text)
    assert parse(f"{text}load_in_4bit: true\n").recipe.init_lora_weights == "loftq"
