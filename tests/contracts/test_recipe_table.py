"""The one table of recipe fields is complete, and speaks Hugging Face's and PEFT's names."""

from __future__ import annotations

import msgspec
import pytest

from engine.recipe import FIELDS, Field, Recipe, field_named, template
from engine.recipe.check import value_of
from engine.recipe.yaml import parse

NAMES = """model data eval_data max_length method lora_r lora_alpha lora_dropout target_modules learning_rate
lr_scheduler_type warmup_ratio num_train_epochs max_steps per_device_train_batch_size
gradient_accumulation_steps gradient_checkpointing save_steps eval_steps devices adapter seed output_dir"""


def test_table_and_recipe_have_the_same_fields_in_the_same_order() -> None:
    table = sorted(field.name for field in FIELDS)
    assert table == sorted(info.name for info in msgspec.structs.fields(Recipe))


@pytest.mark.parametrize("name", NAMES.split())
def test_a_name_that_other_programs_rely_on_is_a_field(name: str) -> None:
    assert field_named(name) is not None


def test_only_model_and_data_are_required() -> None:
    assert [field.name for field in FIELDS if field.required] == ["model", "data"]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_each_field_has_what_the_form_shows_and_a_default_that_it_accepts(field: Field) -> None:
    assert 2 < len(field.label) <= 24
    assert field.help.endswith(".")
    assert len(field.help) <= 110
    for words in (field.wrong, field.source):
        assert 12 < len(words) <= 170
        assert words[0].isupper() or words.startswith(("transformers", "PEFT", "`"))
        assert words.endswith(".")
    assert (field.low is None or field.high is None) or field.low < field.high
    if field.required:
        return
    assert value_of(field, field.default) == field.default
    number = isinstance(field.default, (int, float)) and not isinstance(field.default, bool)
    assert not number or (field.low is not None and field.high is not None)


def test_an_expert_template_shows_every_field_and_is_the_default_recipe() -> None:
    text = template({"model": "m", "data": "d"}, expert=True)
    assert all(f"{field.name}: " in text for field in FIELDS)
    assert parse(text).recipe == Recipe(model="m", data="d")
    uncommented = "\n".join(
        line.removeprefix("# ") if any(line.startswith(f"# {field.name}: ") for field in FIELDS) else line
        for line in text.splitlines()
    )
    assert parse(uncommented).recipe == Recipe(model="m", data="d")
