"""`openlora pull` against a hub of one's own: what is fetched, resumed, pinned, and refused with a reason."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from engine.hub import cache
from engine.hub.plan import size_of
from tests.engine.hub.conftest import COMMAND, WANTED, pull, pulled, refused
from tests.engine.hub.server import OWNER, TOKEN, Hub
from tests.engine.process.driving import wait_for

NAME = "owner/tiny"


def names(folder: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def part(hub: Hub) -> Path:
    """The file that the weights grow in."""
    (found,) = cache.repository(NAME).glob("blobs/*.incomplete")
    return found


def test_a_pull_brings_one_set_of_weights_and_what_belongs_to_them(hub: Hub, files: dict[str, bytes]) -> None:
    commit = hub.add(NAME, files)
    last = pulled(NAME)
    assert last["revision"] == commit
    assert last["bytes"] == sum(len(files[name]) for name in WANTED)
    assert names(last["path"]) == WANTED == set(hub.fetched())
    assert all((Path(last["path"]) / name).read_bytes() == files[name] for name in WANTED)
    assert cache.snapshot(NAME) == Path(last["path"])


def test_the_hubs_own_library_finds_what_was_pulled(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    last = pulled(NAME)
    code = (
        "from huggingface_hub import hf_hub_download as get, snapshot_download as all\n"
        f"print(get('{NAME}', 'model.safetensors'))\nprint(all('{NAME}'))"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", code], env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    assert done.stdout.split() == [f"{last['path']}/model.safetensors", last["path"]], done.stderr


def test_a_second_pull_fetches_nothing(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    first = pulled(NAME)
    hub.asked.clear()
    assert pulled(NAME) == first
    assert hub.fetched() == []


def test_shards_are_those_that_the_index_names(hub: Hub, files: dict[str, bytes]) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    del files["model.safetensors"]
    files |= {name: name.encode() * 1000 for name in index["weight_map"].values()}
    files |= {"model.safetensors.index.json": json.dumps(index).encode(), "extra.safetensors": b"x"}
    hub.add(NAME, files)
    found = names(pulled(NAME)["path"])
    assert {name for name in found if "safetensors" in name or name.endswith(".bin")} == {
        "model.safetensors.index.json", *index["weight_map"].values()
    }  # fmt: skip


def test_without_safetensors_the_bin_is_taken(hub: Hub, files: dict[str, bytes]) -> None:
    del files["model.safetensors"]
    hub.add(NAME, files)
    assert "pytorch_model.bin" in names(pulled(NAME)["path"])


def test_a_mirror_that_lists_names_alone_is_asked_for_sizes(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files, bare=True)
    assert names(pulled(NAME)["path"]) == WANTED


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.cut_after, hub.cuts = 2_000_000, 1
    last = pulled(NAME)
    assert (Path(last["path"]) / "model.safetensors").read_bytes() == files["model.safetensors"]
    first, second = hub.ranges()
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 2_000_000


def held(blobs: Path) -> int:
    """Bytes of the largest part."""
    return max((size_of(path) for path in blobs.glob("*.incomplete")), default=0)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_pull_that_is_ended_keeps_what_came_and_the_next_goes_on(
    hub: Hub, files: dict[str, bytes], number: signal.Signals, status: int
) -> None:
    hub.add(NAME, files)
    hub.hold_after = 1_000_000
    broken = subprocess.Popen(
        [*COMMAND, NAME, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    blobs = cache.repository(NAME) / "blobs"
    wait_for(lambda: held(blobs), lambda size: size > 500_000)
    broken.send_signal(number)
    said, told = broken.communicate(timeout=30)
    assert broken.returncode == status
    if number == signal.SIGINT:
        assert "goes on from there" in told
        assert "kept" in json.loads(said.splitlines()[-1])["error"]["what"]
    have = part(hub).stat().st_size
    hub.hold_after = None
    hub.asked.clear()
    last = pulled(NAME)
    assert hub.ranges() == [f"bytes={have}-"]
    assert (Path(last["path"]) / "model.safetensors").read_bytes() == files["model.safetensors"]


def test_two_pulls_at_once_fetch_once(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.hold_after = 1_000_000
    command = [*COMMAND, NAME, "--json"]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    wait_for(
        lambda: sum("/revision/" in p or p == f"/api/models/{NAME}" for _, p, _ in hub.asked),
        lambda n: n == 2,
    )
    wait_for(hub.ranges, bool)
    hub.let_go.set()
    ends = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in pair]
    assert ends[0] == ends[1]
    assert hub.ranges() == [""]


def test_a_part_that_does_not_belong_to_the_file_is_thrown_away(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    blob = cache.repository(NAME) / "blobs" / f"{digest}.incomplete"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"not these bytes")
    assert "SHA-256" in refused(NAME, status=1)["why"]
    assert names(pulled(NAME)["path"]) == WANTED


def test_a_revision_is_fetched_as_it_was_and_main_as_it_is(hub: Hub, files: dict[str, bytes]) -> None:
    older = hub.add(NAME, files)
    newer = hub.add(NAME, files | {"config.json": b'{"newer": true}'})
    assert pulled(f"{NAME}@{older}")["revision"] == older
    assert cache.snapshot(NAME) is None
    hub.asked.clear()
    last = pulled(NAME)
    assert last["revision"] == newer
    assert hub.fetched() == ["config.json"]
    assert cache.snapshot(NAME) == Path(last["path"])
    assert cache.snapshot(NAME, older) != cache.snapshot(NAME)


def test_a_dry_run_tells_size_and_space_and_writes_nothing(hub: Hub, files: dict[str, bytes]) -> None:
    commit = hub.add(NAME, files)
    told = pulled(NAME, "--dry-run")
    assert told["revision"] == commit
    assert {file["name"] for file in told["files"]} == WANTED
    assert told["bytes"] == sum(file["bytes"] for file in told["files"])
    assert told["here"] == 0
    assert told["free"] > 0
    assert not cache.repository(NAME).exists()
    said = pull(NAME, "--dry-run").stderr
    assert "model.safetensors" in said
    assert "free in" in said


def test_people_see_progress_in_lines_and_the_folder_alone_on_stdout(
    hub: Hub, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    done = pull(NAME)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).is_dir()
    assert "fetching" in done.stderr
    assert "\r" not in done.stderr


def test_a_model_that_does_not_fit_is_refused_before_anything_is_fetched(
    hub: Hub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.hub import plan as planning
    from engine.problem import Problem

    small = planning.Plan(
        model=NAME, asked="main", revision="a" * 40,
        files=[planning.File(name="model.safetensors", size=1 << 60, etag="b" * 64, sha256="b" * 64)],
    )  # fmt: skip
    with pytest.raises(Problem) as caught:
        planning.check_room(small)
    assert "does not fit" in caught.value.what
    assert "HF_HOME" in caught.value.do
    assert not cache.repository(NAME).exists()


def test_a_gated_model_names_its_page_and_what_to_do_without_a_token(
    hub: Hub, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files, gated=True)
    error = refused(NAME, "--dry-run", status=1)
    assert error["where"] == f"{hub.endpoint}/{NAME}"
    assert "Nobody is logged in" in error["why"]
    assert "hf auth login" in error["do"]


@pytest.mark.parametrize("kept", ["variable", "store"])
def test_a_gated_model_names_the_account_whose_token_it_is(
    hub: Hub, files: dict[str, bytes], kept: str, tmp_path: Path
) -> None:
    hub.add(NAME, files, gated=True)
    env = {"HF_TOKEN": TOKEN} if kept == "variable" else {}
    if kept == "store":
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text(TOKEN)
    done = pull(NAME, "--json", **env)
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert f"account {OWNER}" in error["why"]
    assert "is restricted" in error["why"]
    assert f"{hub.endpoint}/{NAME} with the account {OWNER}" in error["do"]
    assert TOKEN not in done.stdout + done.stderr


def test_a_token_goes_to_the_hub_and_not_to_where_it_leads(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    assert names(pulled(NAME, HF_TOKEN=TOKEN)["path"]) == WANTED


def test_a_name_that_nobody_has_is_told_with_the_nearest_one_here(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    pulled(NAME)
    error = refused("owner/tinny", status=2)
    assert "owner/tinny" in error["what"]
    assert f"Did you mean {NAME}?" in error["do"]


def test_a_revision_that_is_not_there(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    assert "no revision v9" in refused(f"{NAME}@v9", status=2)["what"]


def test_an_adapter_is_told_from_a_model(hub: Hub) -> None:
    hub.add(NAME, {"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"})
    assert "is an adapter" in refused(NAME, status=2)["what"]


def test_weights_for_other_programs_are_none(hub: Hub) -> None:
    hub.add(NAME, {"config.json": b"{}", "model-q4.gguf": b"x"})
    assert "model-q4.gguf" in refused(NAME, status=2)["why"]


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_what_is_here_is_here_and_nothing_is_asked(
    hub: Hub, files: dict[str, bytes], variable: str
) -> None:
    hub.add(NAME, files)
    assert variable in refused(NAME, status=1, **{variable: "1"})["why"]
    last = pulled(NAME)
    hub.asked.clear()
    assert pulled(NAME, **{variable: "1"}) == last
    assert hub.asked == []


def test_a_hub_that_cannot_be_reached(hub: Hub) -> None:
    error = refused(NAME, status=1, HF_ENDPOINT="http://me:hidden@127.0.0.1:9")
    assert error["what"] == "The hub cannot be reached."
    assert error["where"] == "http://127.0.0.1:9"
    assert "hidden" not in json.dumps(error)


@pytest.mark.parametrize("word", ["./folder", "a/b/c", f"{NAME}@", "two words"])
def test_what_is_no_hub_id_is_refused_without_asking(hub: Hub, word: str) -> None:
    assert "no hub id" in refused(word, status=2)["what"]
    assert hub.asked == []


def test_a_hiccup_of_the_hub_is_waited_out(hub: Hub, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.hiccups = 1
    assert names(pulled(NAME)["path"]) == WANTED
    hub.hiccups = 9
    assert refused(NAME, status=1)["what"] == "The hub answered 503."
