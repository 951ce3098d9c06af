"""Recipes, drafts, keys, themes and what the app remembers: nothing unforeseen is raised."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.problem import Problem
from engine.recipe import Recipe, RecipeFile, changed, read, survey, template
from engine.recipe.yaml import parse
from openlora_tui import keymap, themes, ui_state
from openlora_tui.draft import Draft, Kept, Version
from openlora_tui.draft_file import DraftFile
from tests.engine.test_recipe import CHOSEN, COMMENTED
from tests.fuzz.mutated import mutated

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(Recipe.__struct_fields__) | st.text(max_size=8)
GOOD = st.just(COMMENTED.encode()) | CHOSEN.map(lambda values: template(values).encode())


def recipe(data: bytes) -> RecipeFile | None:
    """The recipe that the file holds, None where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.yaml"
        path.write_bytes(data)
        try:
            return read(path)
        except Problem:
            return None


@given(mutated(GOOD))
def test_a_recipe_is_read_or_refused_and_can_be_written_again(data: bytes) -> None:
    file = recipe(data)
    if file is None:
        return
    after = changed(file, {"seed": 7, "run_name": "a: b # c"})
    assert after.recipe == msgspec.structs.replace(file.recipe, seed=7, run_name="a: b # c")
    assert parse(after.text).recipe == after.recipe


@given(st.dictionaries(NAMES, VALUE, max_size=4))
def test_any_mapping_is_a_recipe_or_a_problem(values: dict[str, object]) -> None:
    text = json.dumps({"model": "m", "data": "d", **values})
    file = recipe(text.encode())
    found = None
    try:
        found = survey(text)
    except Problem:
        assert file is None
    if file is not None:
        assert found is not None
        assert not found.mistakes


@given(mutated(GOOD), NAMES, st.text(max_size=12))
def test_a_draft_of_any_text_can_be_shown_and_edited(data: bytes, name: str, typed: str) -> None:
    text = data.decode("utf-8", "replace")
    try:
        draft = Draft(Path("/nowhere"), text=text)
    except Problem:
        return
    if name in Recipe.__struct_fields__:
        draft.set(name, typed)
        assert isinstance(draft.shown(name), str)
    assert isinstance(draft.text(), str)
    assert all(slip.why for slip in draft.slips().values())


@SHARED
@given(
    st.binary(max_size=80) | mutated(st.just(msgspec.json.encode(Kept("/w", None, "a: 1", Version("a: 1")))))
)
def test_a_damaged_draft_is_passed_over(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "drafts").mkdir()
        (Path(home) / "drafts" / "x.json").write_bytes(data)
        file = DraftFile(Path(home))
        file.left()
        file.drop()


@SHARED
@given(data=st.binary(max_size=80) | mutated(st.just(b'{"theme": "dark", "n": 5}')))
def test_what_was_remembered_wrongly_is_forgotten(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui_state, "path", lambda: tmp_path / "ui.json")
    (tmp_path / "ui.json").write_bytes(data)
    assert all(isinstance(value, str) for value in ui_state.read().values())


KEYS = b'preset = "vim"\n[keys]\nquit = ["q", "ctrl+q"]\nhelp = "f1"\n'


@given(mutated(st.just(KEYS)))
def test_any_keys_file_gives_keys(data: bytes) -> None:
    keys, mistakes = keymap.parse(data.decode("utf-8", "replace"), "keys.toml")
    assert keys.keys
    assert all(isinstance(mistake, str) for mistake in mistakes)


THEMES = [path.read_bytes() for path in sorted(themes.shipped_folder().glob("*.toml"))]


@SHARED
@given(data=mutated(st.sampled_from(THEMES)))
def test_any_theme_file_is_a_theme_or_a_mistake(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(data)
    looks, mistakes = themes.read_folder(tmp_path)
    assert len(looks) + len(mistakes) == 1
    for look in looks.values():
        look.textual()
