"""What it takes to have a model here: its files at one commit, their sizes, and the room for them."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from engine.data.refusal import Refusal
from engine.hub import cache, problems
from engine.hub.choice import INDEX, small_files, weights_of
from engine.hub.names import MAIN
from engine.problem import WORK_FAILED
from engine.text import amount

TIMEOUT: Final = 30.0
"""Seconds for which an answer of the hub is waited for."""
_Answer = TypeVar("_Answer")
_NAME: Final = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*")
"""File names that stay inside the folder they are put in."""
_WAITS: Final = (0.5, 2.0)
_ROOM: Final = 64 << 20
"""Free bytes that a fetch leaves on the disk."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a repository at one commit."""

    name: str
    size: int
    etag: str
    """What the cache calls its content: the SHA-256 of a large file, git's hash of a small one."""
    sha256: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a model or dataset that are needed, at the commit that everything is fetched at."""

    model: str
    asked: str
    """The branch, tag or commit that was asked for."""
    revision: str
    """The commit that it meant when the plan was made."""
    files: list[File]
    kind: cache.Kind = "models"

    @property
    def folder(self) -> Path:
        """The repository's folder in the cache."""
        return cache.repository(self.model, kind=self.kind)

    @property
    def path(self) -> Path:
        """Where the files will be found."""
        return self.folder / "snapshots" / self.revision

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self._contents())

    @property
    def here(self) -> int:
        """Bytes of them that the cache holds already, parts of files included."""
        return sum(held(self.folder / "blobs" / etag, size) for etag, size in self._contents())

    def _contents(self) -> set[tuple[str, int]]:
        """Files of the same content are kept, and come, once."""
        return {(file.etag, file.size) for file in self.files}


def plan(model: str, revision: str | None = None, *, code: bool = False) -> Plan:
    """Ask the hub what `model` consists of at `revision` (`main` if left out) and choose what is needed.

    With `code` the model's own Python files are among it.

    Raises:
        Refusal: the hub does not hand it out or cannot be reached, or it has nothing to train.
    """
    asked = revision or MAIN
    with problems.explaining(model, asked):
        info = _asked(model, revision)
        commit = info.sha or asked
        listed = listing(info.siblings)
        weights = weights_of(model, listed)
        if info.gated:  # the files are listed for everyone; who may have them shows only in asking for one
            get_hf_file_metadata(hf_hub_url(model, weights, revision=commit))
        names = [*small_files(listed, code=code), weights]
        if weights.endswith(INDEX):
            names += _shards(model, commit, weights, listed)
        files = [file_of(model, commit, listed[name]) for name in dict.fromkeys(names)]
    return Plan(model=model, asked=asked, revision=commit, files=files)


def listing(siblings: list[RepoSibling] | None) -> dict[str, RepoSibling]:
    """The files of a repository by name, those that would leave its folder aside."""
    return {file.rfilename: file for file in siblings or [] if _NAME.fullmatch(file.rfilename)}


def _asked(model: str, revision: str | None) -> ModelInfo:
    api = HfApi()
    return patiently(lambda: api.model_info(model, revision=revision, files_metadata=True, timeout=TIMEOUT))


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """What the hub says; a hiccup of its or of the network is waited out."""
    for wait in _WAITS:
        try:
            return ask()
        except Exception as error:
            if not problems.passing(error):
                raise
        time.sleep(wait)
    return ask()


def text_at(model: str, commit: str, name: str, kind: cache.Kind = "models") -> str:
    """The text of a small file."""
    response = get_session().get(
        hf_hub_url(model, name, revision=commit, repo_type=kind[:-1]),
        headers=build_hf_headers(),
        follow_redirects=True,
        timeout=TIMEOUT,
    )
    hf_raise_for_status(response)
    return str(response.text)


def check_room(plan: Plan) -> None:
    """Say before anything is fetched that the rest of the plan does not fit on the cache's disk.

    Raises:
        Refusal: with the sizes, and what could be freed.
    """
    missing, free = plan.total - plan.here, room(plan)
    if missing == 0 or missing + _ROOM <= free:
        return
    largest = sorted(cache.models(), key=lambda found: -found.bytes)[:3]
    held_by = ", ".join(f"{found.name} ({amount(found.bytes)})" for found in largest if found.bytes)
    freeing = f"The cache holds {held_by}; `hf cache rm model/NAME` frees one. " if held_by else ""
    raise Refusal(
        "save_or_disk",
        f"{plan.model} does not fit on the disk: {amount(missing)} to fetch, {amount(free)} free.",
        where=str(cache.cache_folder()),
        do=f"{freeing}Or set HF_HOME to a folder on a larger disk.",
        exit_status=WORK_FAILED,
    )


def room(plan: Plan) -> int:
    """Free bytes on the disk that the plan's files go to."""
    folder = plan.folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def part_of(blob: Path) -> Path:
    """Where a content grows until it is whole."""
    return blob.with_name(f"{blob.name}.incomplete")


def held(blob: Path, size: int) -> int:
    """Bytes of a content that are here, whole or in part."""
    # The part first: it may become the whole between the two looks.
    return min(max(size_of(part_of(blob)), size_of(blob)), size)


def size_of(path: Path) -> int:
    """Bytes of the file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _shards(model: str, commit: str, index: str, listed: dict[str, RepoSibling]) -> list[str]:
    text = text_at(model, commit, index)
    try:
        named = sorted(cache.shards(json.loads(text)))
    except (ValueError, AttributeError):
        named = []
    missing = [name for name in named if name not in listed]
    if not named or missing:
        raise Refusal(
            "other",
            f"{model} is incomplete on the hub itself.",
            where=index,
            why=f"There is no {missing[0]}." if missing else "Its index names no file.",
            do="Choose another revision of it, or tell its owner.",
        )
    return named


def file_of(model: str, commit: str, listed: RepoSibling, kind: cache.Kind = "models") -> File:
    """A file with its size and what the cache calls its content."""
    name, lfs = listed.rfilename, listed.lfs
    if lfs is not None:
        return File(name=name, size=lfs.size, etag=lfs.sha256, sha256=lfs.sha256)
    if listed.size is not None and listed.blob_id:
        return File(name=name, size=listed.size, etag=listed.blob_id)
    # A mirror may list names alone.
    told = get_hf_file_metadata(hf_hub_url(model, name, revision=commit, repo_type=kind[:-1]))
    if told.size is None or not _NAME.fullmatch(told.etag or "/"):
        raise Refusal(
            "hub_auth_or_gated",
            f"The hub in use does not say how large {name} is.",
            where=constants.ENDPOINT,
            do="Check HF_ENDPOINT: it does not answer as the hub does.",
            exit_status=WORK_FAILED,
        )
    return File(name=name, size=told.size, etag=str(told.etag))
