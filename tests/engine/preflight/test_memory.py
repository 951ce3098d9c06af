"""The check of a recipe tells that memory will run out, and what would make the run fit."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.memory import limit
from engine.preflight import memory
from engine.preflight.subject import Subject
from engine.recipe.recipe import Recipe

RECIPE = Recipe(model="tiiuae/falcon-rw-1b", data="rows", max_length=2048, per_device_train_batch_size=8)


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    found = limit.Limit(bytes=12 * 10**9, name="a card", cuda=True)
    monkeypatch.setattr(limit, "there", lambda recipe, cards, env: found)


def test_a_run_that_does_not_fit_is_a_warning_with_the_change_that_mends_it() -> None:
    [found] = memory.look(Subject(RECIPE, []))
    assert (found.category, found.severity) == ("oom", "warning")
    assert found.patch is not None
    mended = replace(RECIPE, **found.patch.recipe)
    assert mended.batch_rows == RECIPE.batch_rows
    assert list(memory.look(Subject(mended, []))) == []


def test_a_model_of_which_nothing_is_known_is_not_guessed_at() -> None:
    assert list(memory.look(Subject(replace(RECIPE, model="nobody/nothing"), []))) == []
