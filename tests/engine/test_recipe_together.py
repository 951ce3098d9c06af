"""Fields that exclude each other are told of by one of them, in a file with its line."""

from __future__ import annotations

import pytest

from engine.problem import Problem
from engine.recipe.yaml import parse


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("use_dora: true\ninit_lora_weights: pissa_niter_4", "recipe:3"),
        ("use_dora: true\ninit_lora_weights: loftq\nload_in_4bit: true", "recipe:3"),
        ("init_lora_weights: loftq", "recipe:3"),
        ("method: full\nload_in_8bit: true", "recipe:3"),
        ("method: bitfit\nload_in_4bit: true", "recipe:3"),
        ("load_in_4bit: true\nload_in_8bit: true", "recipe:4"),
        ("method: full\nadapter: ./one", "recipe:3"),
        ("method: prefix\ngradient_checkpointing: true", "recipe:4"),
    ],
)
def test_a_clash_is_told_with_its_line_and_a_way_out(lines: str, told: str) -> None:
    with pytest.raises(Problem) as raised:
        parse(f"model: m\ndata: d\n{lines}\n")
    assert raised.value.where == told
    assert raised.value.do


@pytest.mark.parametrize(
    "lines",
    [
        "use_dora: true\ninit_lora_weights: eva",
        "init_lora_weights: loftq\nload_in_4bit: true",
        "method: prompt\ngradient_checkpointing: true",
    ],
)
def test_what_goes_together_is_not_told(lines: str) -> None:
    assert parse(f"model: m\ndata: d\n{lines}\n")


OTHERWISE = {"adamw_torch_fused": "adamw_torch", "adamw_bnb_8bit": "adamw_8bit", "lion": "lion_32bit"}


@pytest.mark.parametrize(("typed", "meant"), OTHERWISE.items())
def test_other_names_of_a_choice_are_taken_for_it(typed: str, meant: str) -> None:
    assert parse(f"model: m\ndata: d\noptim: {typed}\n").recipe.optim == meant
