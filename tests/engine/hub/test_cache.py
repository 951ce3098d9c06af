"""What the hub's cache holds, told from its folders alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.client.context import job_context
from engine.hub import cache
from engine.hub.names import is_hub_id, split

COMMIT, OLDER = "a" * 40, "b" * 40


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def keep(hub: Path, folder: str, files: dict[str, str], *, commit: str = COMMIT, main: bool = True) -> Path:
    """Put files into a cache as the hub's library does: blobs, links to them, and a ref."""
    repository = hub / folder
    for name, text in files.items():
        blob = repository / "blobs" / f"blob-of-{name}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_text(text)
        link = repository / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    if main:
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / "main").write_text(commit)
    return repository / "snapshots" / commit


WHOLE = {
    "config.json": '{"architectures": ["LlamaForCausalLM"]}',
    "tokenizer.json": "{}",
    "model.safetensors": "weights",
}


def test_a_whole_model_is_listed_with_size_revision_and_class(hub: Path) -> None:
    path = keep(hub, "models--owner--name", WHOLE)
    (found,) = cache.models()
    assert (found.name, found.revision, found.path) == ("owner/name", COMMIT, path)
    assert found.bytes == sum(len(text) for text in WHOLE.values())
    assert found.complete
    assert found.architecture == "LlamaForCausalLM"
    assert cache.snapshot("owner/name") == cache.snapshot("owner/name", COMMIT) == path


@pytest.mark.parametrize("missing", WHOLE)
def test_a_model_with_a_part_missing_is_listed_and_is_no_snapshot(hub: Path, missing: str) -> None:
    keep(hub, "models--owner--name", {name: text for name, text in WHOLE.items() if name != missing})
    assert not cache.models()[0].complete
    assert cache.snapshot("owner/name") is None


def test_sharded_weights_are_whole_with_the_last_shard(hub: Path) -> None:
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    files = {name: WHOLE[name] for name in ("config.json", "tokenizer.json")}
    files |= {"model.safetensors.index.json": index, "model-1.safetensors": "1"}
    keep(hub, "models--owner--name", files)
    assert cache.snapshot("owner/name") is None
    path = keep(hub, "models--owner--name", {"model-2.safetensors": "2"})
    assert cache.snapshot("owner/name") == path


def test_a_link_to_a_blob_that_is_gone_is_no_file(hub: Path) -> None:
    path = keep(hub, "models--owner--name", WHOLE)
    (path / "model.safetensors").resolve().unlink()
    assert cache.snapshot("owner/name") is None


def test_main_means_the_commit_that_was_fetched_last_and_a_commit_means_itself(hub: Path) -> None:
    older = keep(hub, "models--gpt2", WHOLE, commit=OLDER)
    newer = keep(hub, "models--gpt2", WHOLE | {"x.json": "{}"})
    assert cache.snapshot("gpt2") == newer
    assert cache.snapshot("gpt2", OLDER) == older
    assert cache.snapshot("gpt2", "v2") is None


def test_what_was_fetched_at_a_commit_only_is_listed_and_is_not_main(hub: Path) -> None:
    path = keep(hub, "models--owner--name", WHOLE, main=False)
    assert [found.path for found in cache.models()] == [path]
    assert cache.snapshot("owner/name") is None


def test_datasets_are_listed_apart(hub: Path) -> None:
    keep(hub, "models--owner--name", WHOLE)
    path = keep(hub, "datasets--owner--rows", {"data/train.jsonl": "{}\n"})
    (found,) = cache.datasets()
    assert (found.name, found.path, found.bytes) == ("owner/rows", path, 3)


def test_an_empty_cache_and_strange_entries_are_no_trouble(hub: Path) -> None:
    assert cache.models() == []
    (hub / "models--broken" / "snapshots" / "not-a-commit").mkdir(parents=True)
    (hub / "models--file").write_text("x")
    assert cache.models() == []


def test_the_folder_follows_the_variables_of_whoever_asks() -> None:
    assert cache.cache_folder({"HF_HUB_CACHE": "/c", "HF_HOME": "/h"}) == Path("/c")
    assert cache.cache_folder({"HF_HOME": "/h"}) == Path("/h/hub")
    assert cache.cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/huggingface/hub")
    assert cache.cache_folder({}) == Path("~/.cache/huggingface/hub").expanduser()


def test_a_folder_given_from_here_is_the_same_for_a_job_that_stands_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", "./hub")
    assert cache.cache_folder() == tmp_path / "hub"
    env = job_context().env
    monkeypatch.chdir("/")
    assert cache.cache_folder(env) == tmp_path / "hub"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("gpt2", True), ("Qwen/Qwen2.5-0.5B", True), ("a/b/c", False), ("./a", False), ("/a/b", False),
     ("~/a", False), ("a\\b", False), ("", False), ("a--b", False), ("x/y.git", False), ("a b", False)],
)  # fmt: skip
def test_a_hub_id_is_told_from_a_path(name: str, is_one: bool) -> None:
    assert is_hub_id(name) is is_one


def test_a_revision_may_follow_the_name() -> None:
    assert split("owner/name@v1") == ("owner/name", "v1")
    assert split("owner/name") == ("owner/name", None)
