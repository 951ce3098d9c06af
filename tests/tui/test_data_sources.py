"""What can be picked as data: files of every kind, folders, saved datasets, and the hub's cache."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from openlora_tui.modals.on_disk import data_files, typed_file
from tests.engine.hub.test_cache import keep

ROW = '{"prompt": "a", "completion": "b"}\n'


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "work"
    (folder / "set").mkdir(parents=True)
    for name in ("set/train.jsonl", "set/test.jsonl", "notes.pdf"):
        (folder / name).write_text(ROW)
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(ROW.encode()))
    (folder / "saved").mkdir()
    (folder / "saved" / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (folder / "saved" / "data.arrow").write_bytes(b"")
    return folder


def test_files_folders_saved_datasets_and_the_cache_are_listed(work: Path, tmp_path: Path) -> None:
    keep(tmp_path / "hub", "datasets--owner--rows", {"data/train-00000-of-00001.jsonl": ROW})
    found = {option.label: option for option in data_files(work)}
    assert {"rows.jsonl.gz", "set/train.jsonl", "set/test.jsonl", "set/", "saved/", "owner/rows"} <= set(
        found
    )
    assert not any("arrow" in label or "pdf" in label for label in found)
    assert found["saved/"].note == "saved dataset, 1 file"
    assert found["owner/rows"].value == "owner/rows"
    assert found["set/"].note == "folder, 2 files"


def test_what_is_typed_may_be_a_folder_a_glob_or_a_dataset(work: Path) -> None:
    for text, note in (("set", "folder, 2 files"), ("set/*.jsonl", "2 files"), ("owner/rows", "on the hub")):
        option = typed_file(text, work)
        assert option is not None
        assert option.note == note
    assert typed_file("nothing", work) is None
    assert typed_file("none/*.jsonl", work) is None
