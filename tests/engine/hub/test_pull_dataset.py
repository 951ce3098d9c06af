"""`openlora pull --dataset`: which files of a dataset come, and what keeps them from it."""

from __future__ import annotations

import json
from pathlib import Path

from engine.hub.datasets import dataset_folder
from engine.sources.entry import Entry
from engine.sources.resolve import PLACED, resolve
from tests.engine.hub.conftest import pull, pulled, refused
from tests.engine.hub.server import Hub

NAME = "owner/rows"
ROW = b'{"prompt": "a", "completion": "b"}\n'
FILES = {
    "README.md": b"# Rows",
    "data/train-00000-of-00002.jsonl": ROW * 9,
    "data/train-00001-of-00002.jsonl": ROW * 8,
    "data/test-00000-of-00001.jsonl": ROW * 7,
    "rows.py": b"raise SystemExit",
}
CARD = b"""---
configs:
- config_name: en
  data_files: [{split: train, path: en/*}]
- config_name: fr
  data_files: [{split: train, path: fr/*}]
---
"""


def names(folder: str | Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def test_the_training_split_comes_and_is_found_by_its_name(hub: Hub) -> None:
    commit = hub.add(f"datasets/{NAME}", FILES)
    last = pulled("--dataset", NAME)
    assert (last["dataset"], last["revision"]) == (NAME, commit)
    assert names(last["path"]) == {name for name in FILES if "train" in name or name == "README.md"}
    files = [source.path.name for source in resolve([NAME], folder=PLACED).files]
    assert files == ["train-00000-of-00002.jsonl", "train-00001-of-00002.jsonl"]
    hub.asked.clear()
    assert pulled("--dataset", NAME) == last
    assert hub.fetched() == ["README.md"]  # what it says of files is read anew


def test_another_split_is_named_and_is_not_taken_for_the_training_one(hub: Hub) -> None:
    hub.add(f"datasets/{NAME}", FILES)
    last = pulled("--dataset", NAME, "--split", "test")
    assert names(last["path"]) == {"README.md", "data/test-00000-of-00001.jsonl"}
    asked = pull("--dataset", NAME, "--split", "test")
    assert "openlora inspect '{path: owner/rows, name: default, split: test}'" in asked.stderr
    again = pulled("--dataset", NAME, "--split", "test", HF_HUB_OFFLINE="1")
    assert again["path"] == last["path"]
    error = refused("--dataset", NAME, status=1, HF_HUB_OFFLINE="1")
    assert "openlora pull --dataset owner/rows" in error["do"]


def test_several_configurations_are_told_apart_before_anything_comes(hub: Hub) -> None:
    files = {"README.md": CARD, "en/a.jsonl": ROW, "fr/a.jsonl": ROW * 2}
    hub.add(f"datasets/{NAME}", files)
    error = refused("--dataset", NAME, status=2)
    assert "en, fr" in error["what"]
    assert hub.fetched("jsonl") == []
    last = pulled("--dataset", NAME, "--name", "fr")
    assert names(last["path"]) == {"README.md", "fr/a.jsonl"}
    [source] = resolve([Entry(path=NAME, name="fr")], folder=PLACED).files
    assert source.path.read_bytes() == ROW * 2


def test_what_the_hub_does_not_hand_out_is_said_of_a_dataset(hub: Hub) -> None:
    hub.add("datasets/owner/closed", FILES, gated=True)
    gated = refused("--dataset", "owner/closed", status=1)
    assert "gated" in gated["what"]
    assert "/datasets/owner/closed" in gated["where"]
    unknown = refused("--dataset", "owner/rowz", status=2)
    assert "The hub knows no dataset owner/rowz" in unknown["what"]
    hub.add("datasets/owner/script", {"script.py": b"", "rows.zip": b""})
    script = refused("--dataset", "owner/script", status=2)
    assert "refs/convert/parquet" in script["do"]
    refused(NAME, "--split", "test", status=2)


def test_a_dry_run_fetches_nothing(hub: Hub) -> None:
    hub.add(f"datasets/{NAME}", FILES)
    told = pulled("--dataset", NAME, "--dry-run")
    assert [file["name"] for file in told["files"]] == [
        "README.md",
        *sorted(n for n in FILES if "train" in n),
    ]
    assert json.dumps(told)
    assert dataset_folder(NAME) is None
