"""Which files of a folder are data, by the hub's own rules: README, names of splits, converted branches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.layout import Layout, layout, missing_part


def readme(configs: str) -> str:
    return f"---\nlicense: mit\nconfigs:\n{configs}dataset_info:\n  features: []\n---\n# A dataset\n"


def only(names: list[str], text: str = "") -> dict[str, list[str]]:
    found = layout(names, text)
    assert found.default is not None
    return found.configs[found.default]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["data/train-00000-of-00001-a09b74b.parquet"], {"train": [0]}),
        (
            ["data/test-00000-of-00001.parquet", "data/train-00000-of-00002.parquet",
             "data/train-00001-of-00002.parquet"],
            {"train": [1, 2], "test": [0]},
        ),
        (["data/sft-00000-of-00001.parquet", "extra.csv"], {"sft": [0], "train": [1]}),
        (["test.csv", "train.csv"], {"train": [1], "test": [0]}),
        (["dev.jsonl", "my_train_set.jsonl"], {"validation": [0], "train": [1]}),
        (["eval/1.json", "training/1.json", "training/2.json"], {"test": [0], "train": [1, 2]}),
        (["a.jsonl", "b.jsonl.gz", "c.json"], {"train": [0, 1, 2]}),
        (["contest.csv", "retrain.csv", "untested.csv"], {"train": [0, 1, 2]}),
        (["rows.jsonl", "test.jsonl"], {"train": [0], "test": [1]}),
        (["alpaca-train.arrow", "cache-0a1b.arrow"], {"train": [0]}),
        (["deep/er/a.jsonl"], {"train": [0]}),
    ],
)  # fmt: skip
def test_splits_go_by_the_names(names: list[str], splits: dict[str, list[int]]) -> None:
    assert only(names) == {split: [names[i] for i in which] for split, which in splits.items()}


def test_what_speaks_of_data_is_no_data_and_what_is_unknown_is_told() -> None:
    found = layout(
        ["README.md", "LICENSE.txt", "dataset_info.json", ".gitattributes", ".cache/x.json", "a.jsonl",
         "picture.png", "notes.txt", "config.json", "model.safetensors.index.json"]
    )  # fmt: skip
    assert found.configs == {"default": {"train": ["a.jsonl"]}}
    assert found.passed == ["notes.txt", "picture.png"]


def test_texts_are_data_where_there_are_no_tables() -> None:
    assert only(["README.md", "one.txt", "two.md"]) == {"train": ["one.txt", "two.md"]}


def test_rows_that_lie_there_in_two_forms_are_read_once() -> None:
    found = layout(["rows.csv", "rows.jsonl", "rows.parquet", "other.csv"])
    assert found.configs["default"] == {"train": ["other.csv", "rows.parquet"]}
    assert found.passed == ["rows.csv", "rows.jsonl"]


NAMES = ["main/train-1.parquet", "main/test-1.parquet", "socratic/train-1.parquet", "deep/a/b.jsonl"]


def test_a_readme_names_configurations_and_splits() -> None:
    text = readme(
        "- config_name: main\n  default: true\n  data_files:\n  - split: train\n    path: main/train-*\n"
        "  - split: test\n    path: main/test-*\n"
        "- config_name: socratic\n  data_files:\n  - split: train\n    path: socratic/*\n"
        "- config_name: gone\n  data_files: nowhere/*\n"
    )
    found = layout(NAMES, text)
    assert found.default == "main"
    assert found.configs == {
        "main": {"train": [NAMES[0]], "test": [NAMES[1]]},
        "socratic": {"train": [NAMES[2]]},
    }


@pytest.mark.parametrize(
    ("told", "splits"),
    [
        ("  data_files: main/*\n", {"train": NAMES[1::-1]}),
        ("  data_files:\n  - main/train-*\n  - '**/b.jsonl'\n", {"train": [NAMES[3], NAMES[0]]}),
        ("  data_files:\n    dev: 'deep/**'\n", {"dev": [NAMES[3]]}),
        ("  data_dir: socratic\n", {"train": [NAMES[2]]}),
        ("  data_dir: main\n  data_files: train-?.parquet\n", {"train": [NAMES[0]]}),
        ("  data_files:\n  - split: train\n    path: [main/train-1.parquet, socratic/*]\n",
         {"train": [NAMES[0], NAMES[2]]}),
    ],
)  # fmt: skip
def test_a_readme_says_it_in_many_ways(told: str, splits: dict[str, list[str]]) -> None:
    assert only(NAMES, readme(f"- config_name: default\n{told}")) == splits


def test_of_several_configurations_none_is_meant_where_none_is_the_default() -> None:
    text = readme("- config_name: a\n  data_dir: main\n- config_name: b\n  data_dir: socratic\n")
    assert layout(NAMES, text).default is None


def test_the_hubs_own_conversion_has_a_folder_for_each_configuration_and_split() -> None:
    found = layout(["en/train/0000.parquet", "en/train/0001.parquet", "fr/partial-train/0000.parquet"])
    assert found.configs == {
        "en": {"train": ["en/train/0000.parquet", "en/train/0001.parquet"]},
        "fr": {"train": ["fr/partial-train/0000.parquet"]},
    }
    assert found.default is None


def test_a_part_that_is_missing_is_named() -> None:
    whole = [f"data/train-{i:05d}-of-00003.parquet" for i in range(3)]
    assert missing_part(whole) == ""
    assert missing_part([whole[0], whole[2]]) == "data/train-00001-of-00003"
    assert missing_part(["part-00001-of-00002.jsonl", "part-00002-of-00002.jsonl"]) == ""


@given(
    st.lists(st.text("ab/._-0*train test\n\0é", max_size=20), max_size=8),
    st.text("-abconfigs:\n [{]}*&!|>'\"\t#0", max_size=200),
)
def test_no_names_and_no_readme_break_it(names: list[str], text: str) -> None:
    for told in (text, f"---\nconfigs:\n{text}\n---\n", f"---\nconfigs:\n- {text}"):
        found = layout(names, told)
        assert isinstance(found, Layout)
        assert all(files for splits in found.configs.values() for files in splits.values())
