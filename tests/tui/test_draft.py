"""A draft keeps what was typed, right or wrong, and every change can be undone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problem import Problem
from engine.recipe import FIELDS, read, template
from openlora_tui.draft import Against, Draft
from openlora_tui.draft_file import DraftFile

MINE = """\
# my best recipe
model: ./model   # the small one
data:
  - a.jsonl  # first

# --- the adapter ---
lora_r: 8            # rank
# lora_alpha: 32
learning_rate: 2e-4
"""
NAMES = [field.name for field in FIELDS]
TYPED = st.sampled_from(
    [
        "",
        "16",
        "8",
        "2e-4",
        "0.5",
        "true",
        "auto",
        "linear",
        "a: b # c",
        "[x, y]",
        "[x",
        "-1",
        "x\ty",
        "1,000",
    ]
) | st.text(max_size=8)
EDITS = st.lists(
    st.tuples(st.just("set"), st.sampled_from(NAMES), TYPED, st.booleans())
    | st.tuples(st.sampled_from(["reset"]), st.sampled_from(NAMES), st.just(""), st.just(False))
    | st.tuples(st.sampled_from(["undo", "redo"]), st.just("model"), st.just(""), st.just(False)),
    max_size=25,
)


def edit(draft: Draft, edits: list[tuple[str, str, str, bool]]) -> None:
    for verb, name, text, again in edits:
        if verb == "set":
            draft.set(name, text, again=again)
        elif verb == "reset":
            draft.reset(name)
        else:
            getattr(draft, verb)()


def fields(draft: Draft) -> list[tuple[object, str, bool]]:
    return [(draft.value(name), draft.shown(name), draft.slip(name) is None) for name in NAMES]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(MINE)
    return tmp_path / "mine.yaml"


@given(EDITS)
def test_undoing_everything_leads_back_and_redoing_forth(edits: list[tuple[str, str, str, bool]]) -> None:
    draft = Draft(Path("/work-of-mine"), text=MINE)
    before = fields(draft)
    edit(draft, edits)
    after = fields(draft)
    forth = 0
    while draft.redoable:
        draft.redo()
        forth += 1
    latest = fields(draft)
    while draft.undoable:
        draft.undo()
    assert fields(draft) == before
    assert not draft.dirty
    while draft.redoable:
        draft.redo()
    assert fields(draft) == latest
    assert forth or latest == after


@given(EDITS)
def test_a_draft_that_was_kept_is_the_same_when_it_comes_back(
    edits: list[tuple[str, str, str, bool]],
) -> None:
    draft = Draft(Path("/work-of-mine"), text=MINE)
    edit(draft, edits)
    with tempfile.TemporaryDirectory() as home:
        file = DraftFile(Path(home))
        file.write(draft.kept)
        file.drop()
        kept = DraftFile(Path(home)).left()
    assert kept is not None
    back = Draft.restored(kept)
    assert fields(back) == fields(draft)
    assert (back.dirty, back.text(), back.folder) == (draft.dirty, draft.text(), draft.folder)


@given(EDITS)
def test_what_is_saved_says_what_the_form_said_and_keeps_the_comments(
    edits: list[tuple[str, str, str, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.yaml"
        path.write_text(MINE)
        draft = Draft.opened(path)
        edit(draft, edits)
        values = [draft.value(name) for name in NAMES]
        if draft.slips():
            with pytest.raises(Problem):
                draft.save()
            assert path.read_text() == MINE
            return
        draft.save()
        assert [getattr(read(path).recipe, name) for name in NAMES] == values
        assert all(words in path.read_text() for words in ("# my best recipe", "# the small one", "# rank"))
        assert not draft.dirty


def test_a_field_that_was_left_out_takes_the_place_of_its_comment() -> None:
    draft = Draft(Path("/w"), text=MINE)
    draft.set("lora_alpha", "64")
    assert draft.text() == MINE.replace("# lora_alpha: 32", "lora_alpha: 64")
    fresh = Draft.fresh(Path("/w"), {})
    for name, text in (("model", "./m"), ("data", "[a.csv, b.csv]"), ("learning_rate", "1e-4")):
        fresh.set(name, text)
    assert fresh.text() == template({"model": "./m", "data": ["a.csv", "b.csv"], "learning_rate": 1e-4})


def test_a_line_that_only_looks_like_a_field_left_out_is_left_alone() -> None:
    text = "model: m\ndata: d\nsample_prompts:\n  - |\n    Hello\n# lora_alpha: 32\n  - x\n"
    quoted = 'model: m\ndata: d\nrun_name: "a\n# lora_alpha: 32\nb"\n'
    for before in (quoted, text.replace("# lora_alpha: 32\n", "    # lora_alpha: 32\n")):
        draft = Draft(Path("/w"), text=before)
        draft.set("lora_alpha", "64")
        assert draft.text() == before + "lora_alpha: 64\n"


def test_a_mistake_in_the_file_is_shown_and_can_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("model: m\ndata: d\nlora_r: many   # of them\nlerning_rate: 1e-4\n")
    draft = Draft.opened(path)
    slips = draft.slips()
    assert list(slips) == ["lora_r", "lerning_rate"]
    assert draft.shown("lora_r") == "many"
    assert "whole number" in slips["lora_r"].why
    assert "learning_rate" in slips["lerning_rate"].do
    draft.set("lora_r", "32")
    assert list(draft.slips()) == ["lerning_rate"]
    assert "lora_r: 32   # of them" in draft.text()
    draft.undo()
    assert draft.shown("lora_r") == "many"


def test_typing_on_is_one_step(mine: Path) -> None:
    draft = Draft.opened(mine)
    draft.set("lora_r", "3")
    draft.set("lora_r", "32", again=True)
    draft.undo()
    assert draft.shown("lora_r") == "8"
    draft.redo()
    assert draft.value("lora_r") == 32


def test_saving_elsewhere_keeps_the_paths_leading_to_where_they_led(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "deep").mkdir()
    draft = Draft.opened(mine)
    before = draft.file().resolved()
    draft.save(tmp_path / "deep" / "copy.yaml")
    copy = read(tmp_path / "deep" / "copy.yaml")
    assert copy.resolved() == before
    assert draft.path == tmp_path / "deep" / "copy.yaml"
    assert mine.read_text() == MINE


def test_a_file_that_another_program_changed_is_not_overwritten(mine: Path) -> None:
    draft = Draft.opened(mine)
    draft.set("lora_r", "32")
    mine.write_text(MINE + "seed: 7\n")
    with pytest.raises(Problem, match="another program"):
        draft.save()
    assert "seed: 7" in mine.read_text()


def test_what_differs_from_an_earlier_run_is_told_by_value_not_by_spelling(
    mine: Path, tmp_path: Path
) -> None:
    draft = Draft.opened(mine)
    recipe = draft.file().resolved()
    draft.against = Against("run 6", recipe)
    draft.set("learning_rate", "0.0002")
    draft.set("data", str(tmp_path / "a.jsonl"))
    assert draft.others() == {}
    draft.set("learning_rate", "1e-4")
    draft.set("data", "[a.jsonl, b.jsonl]")
    assert draft.others() == {"learning_rate": "2e-4", "data": "./a.jsonl"}


def test_only_the_draft_of_an_app_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from openlora_tui.draft import Draft\n"
        "from openlora_tui.draft_file import DraftFile\n"
        "draft = Draft(Path('/w')); draft.set('lora_r', 'many')\n"
        f"file = DraftFile(Path({str(tmp_path)!r})); file.write(draft.kept)\n"
        "print('kept', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"kept\n"
        assert DraftFile(tmp_path).left() is None
        process.kill()
    later = DraftFile(tmp_path)
    kept = later.left()
    assert kept is not None
    assert Draft.restored(kept).shown("lora_r") == "many"
    later.clear()
    later.drop()
    assert os.listdir(tmp_path / "drafts") == []


def test_values_that_exclude_each_other_are_a_slip_of_one_of_them(tmp_path: Path) -> None:
    draft = Draft(tmp_path, text="model: m\ndata: d\nload_in_4bit: true\n")
    assert not draft.slips()
    draft.set("load_in_8bit", "true")
    assert list(draft.slips()) == ["load_in_8bit"]
    draft.set("load_in_4bit", "false")
    assert not draft.slips()
