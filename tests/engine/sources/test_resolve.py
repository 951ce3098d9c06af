"""What a recipe's `data` names: paths, globs, folders, the hub's cache, saved ones; what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.problem import Problem
from engine.sources.entry import Entry
from engine.sources.resolve import NotHere, Sources, entry_of, resolve
from engine.sources.tell import told
from tests.engine.hub.test_cache import COMMIT, OLDER, keep

ROW = '{"prompt": "a", "completion": "b"}\n'
CARD = (
    "---\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: main/train-*\n"
    "- config_name: socratic\n  data_files: socratic/*\n---\n"
)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(ROW)
    return folder


def names(found: Sources) -> list[str]:
    return [str(source.path) for source in found.files]


def refused(*entries: str | Entry) -> str:
    with pytest.raises(Problem) as caught:
        resolve(entries)
    return str(caught.value)


def test_paths_stay_as_they_were_named_and_are_not_looked_at() -> None:
    assert names(resolve(["absent.jsonl", "./a/b.csv"])) == ["absent.jsonl", "a/b.csv"]


def test_a_glob_is_all_data_that_matches_in_order(desk: Path) -> None:
    put(desk, "data/b.jsonl", "data/a.jsonl.gz", "data/c.png", "data/deep/d.csv", "x[1].jsonl")
    found = resolve(["data/*"])
    assert names(found) == ["data/a.jsonl.gz", "data/b.jsonl"]
    assert found.said == ["data/*: 1 file is not read: data/c.png"]
    assert names(resolve(["data/**/*.csv"])) == ["data/deep/d.csv"]
    assert names(resolve(["x[1].jsonl"])) == ["x[1].jsonl"]
    assert "No file matches" in refused("data/*.json")
    assert "None of the files that match is data" in refused("data/*.png")


def test_a_folder_is_its_training_split_and_the_rest_is_offered(desk: Path) -> None:
    put(desk, "rows/test.csv", "rows/train.csv", "rows/about.pdf")
    found = resolve(["rows"])
    assert names(found) == ["rows/train.csv"]
    assert found.said == ["rows: split train of test, train", "rows: 1 file is not read: about.pdf"]
    assert found.offer == Entry(path="rows", split="test")
    assert names(resolve([Entry(path="rows", split="test")])) == ["rows/test.csv"]
    assert names(resolve(["rows"], "eval")) == ["rows/test.csv"]
    assert "It has: test, train" in refused(Entry(path="rows", split="dev"))
    assert "`weight: 0.1`" in refused(Entry(path="rows", split="train[:10%]"))


def test_the_offer_is_a_note_with_a_patch(desk: Path) -> None:
    put(desk, "rows/validation.jsonl", "rows/train.jsonl")
    *_, offer = told(resolve(["rows"]))
    assert offer.severity == "note"
    assert offer.patch is not None
    assert offer.patch.recipe == {"eval_data": {"path": "rows", "split": "validation"}}
    assert len(told(resolve(["rows"]), offered=False)) == 1


def test_without_a_split_called_train_one_has_to_be_named(desk: Path) -> None:
    put(desk, "rows/data/sft-00000-of-00001.jsonl", "rows/data/rl-00000-of-00001.jsonl")
    assert "{path: rows, split: rl}" in refused("rows")


def test_a_folder_without_data_says_what_it_holds(desk: Path) -> None:
    put(desk, "rows/a.png", "rows/b.pdf")
    (desk / "empty").mkdir()
    assert "It holds a.png, b.pdf." in refused("rows")
    assert "It is empty." in refused("empty")


def test_what_makes_no_sense_of_a_file_is_refused(desk: Path) -> None:
    put(desk, "a.jsonl")
    assert "has no splits" in refused(Entry(path="a.jsonl", split="train"))
    assert "Only a dataset of the hub" in refused(Entry(path="a.jsonl", revision="main"))


def test_parts_of_a_series_have_to_be_here_all(desk: Path) -> None:
    put(desk, "rows/data/train-00000-of-00002.jsonl")
    assert "train-00001-of-00002" in refused("rows")


# --- the hub's cache ---


def test_a_dataset_of_the_hub_lies_in_the_cache(hub: Path) -> None:
    folder = keep(
        hub, "datasets--tatsu-lab--alpaca", {"README.md": "# x", "data/train-00000-of-00001.jsonl": ROW}
    )
    assert names(resolve(["tatsu-lab/alpaca"])) == [f"{folder}/data/train-00000-of-00001.jsonl"]
    older = keep(hub, "datasets--tatsu-lab--alpaca", {"rows.csv": "a\n"}, commit=OLDER, main=False)
    assert names(resolve([Entry(path="tatsu-lab/alpaca", revision=OLDER)])) == [f"{older}/rows.csv"]
    assert names(resolve([Entry(path="tatsu-lab/alpaca", revision=COMMIT)]))[0].startswith(str(folder))


def test_several_configurations_have_to_be_told_apart(hub: Path) -> None:
    files = {"README.md": CARD, "main/train-1.jsonl": ROW, "socratic/train-1.jsonl": ROW}
    folder = keep(hub, "datasets--openai--gsm8k", files)
    said = refused("openai/gsm8k")
    assert "main, socratic" in said
    assert "{path: openai/gsm8k, name: main}" in said
    assert names(resolve([Entry(path="openai/gsm8k", name="main")])) == [f"{folder}/main/train-1.jsonl"]


def test_what_is_not_in_the_cache_has_to_be_fetched(hub: Path, desk: Path) -> None:
    keep(hub, "datasets--owner--name", {"train-00000-of-00002.jsonl": ROW})
    for entry in (Entry(path="owner/other"), Entry(path="owner/name"), Entry(path="owner/name", split="test"),
                  Entry(path="owner/name", name="en"), Entry(path="owner/name", revision="v1")):  # fmt: skip
        with pytest.raises(NotHere) as caught:
            resolve([entry])
        assert "openlora pull --dataset owner/" in caught.value.do


def test_what_lies_here_is_no_dataset_of_the_hub(desk: Path) -> None:
    put(desk, "owner/name/a.jsonl")
    assert names(resolve(["owner/name"])) == ["owner/name/a.jsonl"]
    assert names(resolve(["owner/other"])) == ["owner/other"]
    assert names(resolve(["data/rows.jsonl"])) == ["data/rows.jsonl"]


def test_a_dataset_that_is_a_program_points_to_the_hubs_conversion(hub: Path) -> None:
    keep(hub, "datasets--owner--script", {"script.py": "", "rows.zip": ""})
    with pytest.raises(NotHere):
        resolve(["owner/script"])


# --- save_to_disk ---


def save(folder: Path, *files: str) -> None:
    put(folder, *files)
    state = {"_data_files": [{"filename": name} for name in files], "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")


def test_a_saved_dataset_names_its_own_files(desk: Path) -> None:
    save(desk / "saved", "data-00001-of-00002.arrow", "data-00000-of-00002.arrow")
    assert names(resolve(["saved"])) == [
        "saved/data-00001-of-00002.arrow", "saved/data-00000-of-00002.arrow"
    ]  # fmt: skip


def test_a_saved_dict_has_splits(desk: Path) -> None:
    for split in ("train", "test"):
        save(desk / "saved" / split, "data-00000-of-00001.arrow")
    (desk / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    found = resolve(["saved"])
    assert names(found) == ["saved/train/data-00000-of-00001.arrow"]
    assert found.offer == Entry(path="saved", split="test")


STATES = ["", "[]", "{}", '{"_data_files": [{"filename": "../../etc/passwd"}]}',
          '{"_data_files": [{"filename": "a"}], "_indices_data_files": [{}]}']  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_saved_dataset_that_is_broken_is_refused(desk: Path, state: str) -> None:
    save(desk / "saved", "data-00000-of-00001.arrow")
    (desk / "saved" / "state.json").write_text(state)
    assert "state.json" in refused("saved")


# --- words ---


def test_a_word_is_a_path_or_a_mapping() -> None:
    assert entry_of("rows.jsonl") == Entry(path="rows.jsonl")
    entry = Entry(path="owner/name", weight=0.5, name="en US", split="test", revision="2024")
    assert entry_of(str(entry)) == entry
    for word in (
        "{",
        "{a: b}",
        "{path: a, weight: 0}",
        "{path: a, weight: inf}",
        "{path: [a]}",
        "{path: ''}",
    ):
        with pytest.raises(Problem):
            entry_of(word)
