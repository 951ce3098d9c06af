"""Which folder a run begins with: the recipe's own, what the cache has, or what it was bound to."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.client.context import job_context
from engine.events import Fetched
from engine.hub.ready import bound, ready
from engine.recipe.recipe import Recipe
from engine.run_dir import RunDir
from tests.engine.hub.test_cache import COMMIT, OLDER, WHOLE, keep

RECIPE = Recipe(model="owner/name", data="rows.jsonl")
FOLDER = "models--owner--name"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def run(home: Path) -> RunDir:
    return RunDir.create(home, "model: owner/name", job_context())


def test_a_folder_is_ready_as_it_is_and_binds_nothing(run: RunDir, tmp_path: Path) -> None:
    recipe = Recipe(model=str(tmp_path), data="rows.jsonl")
    assert ready(run, recipe) == tmp_path
    assert bound(run, recipe, tmp_path) == []
    assert run.pinned() is None


def test_what_is_not_whole_has_to_be_fetched(run: RunDir, hub: Path) -> None:
    assert ready(run, RECIPE) is None
    keep(hub, FOLDER, {"config.json": "{}"})
    assert ready(run, RECIPE) is None


def test_the_cache_is_the_jobs_and_not_ours(run: RunDir, hub: Path, tmp_path: Path) -> None:
    path = keep(tmp_path / "other", FOLDER, WHOLE)
    assert ready(run, RECIPE) is None
    assert ready(run, RECIPE, {"HF_HUB_CACHE": str(tmp_path / "other")}) == path


def test_a_run_keeps_to_its_commit_when_main_moves_on(run: RunDir, hub: Path) -> None:
    older = keep(hub, FOLDER, WHOLE, commit=OLDER)
    assert ready(run, RECIPE) == older
    (event,) = bound(run, RECIPE, older)
    assert isinstance(event, Fetched)
    assert (event.revision, event.path) == (OLDER, str(older))
    assert event.bytes == sum(len(text) for text in WHOLE.values())
    newer = keep(hub, FOLDER, WHOLE)
    assert ready(run, RECIPE) == older
    assert bound(run, RECIPE, older) == []
    assert ready(RunDir.create(run.root, "", job_context()), RECIPE) == newer


def test_a_cache_that_moved_is_found_by_the_commit(run: RunDir, hub: Path, tmp_path: Path) -> None:
    bound(run, RECIPE, keep(hub, FOLDER, WHOLE, commit=OLDER))
    hub.rename(tmp_path / "moved")
    keep(tmp_path / "moved", FOLDER, WHOLE)
    path = tmp_path / "moved" / FOLDER / "snapshots" / OLDER
    for name in WHOLE:  # the links of this test's cache are absolute
        (path / name).unlink()
        (path / name).write_text(WHOLE[name])
    assert ready(run, RECIPE, {"HF_HUB_CACHE": str(tmp_path / "moved")}) == path


def test_the_recipes_revision_decides(run: RunDir, hub: Path) -> None:
    keep(hub, FOLDER, WHOLE)
    older = keep(hub, FOLDER, WHOLE, commit=OLDER, main=False)
    recipe = msgspec.structs.replace(RECIPE, model_revision=OLDER)
    assert ready(run, recipe) == older
    assert ready(run, msgspec.structs.replace(RECIPE, model_revision="v1")) is None


def test_a_recipe_that_names_another_model_since_is_not_bound(run: RunDir, hub: Path) -> None:
    bound(run, RECIPE, keep(hub, FOLDER, WHOLE, commit=OLDER))
    other = keep(hub, "models--owner--other", WHOLE, commit=COMMIT)
    assert ready(run, msgspec.structs.replace(RECIPE, model="owner/other")) == other
