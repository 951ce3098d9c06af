"""A dataset's folder in the hub's cache, at the commit that is meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.hub.cache import commit_of, repository
from engine.hub.names import MAIN


def dataset_folder(
    name: str, revision: str | None = None, env: Mapping[str, str] | None = None
) -> Path | None:
    """The folder with what is here of the dataset, None where nothing is.

    Args:
        name: its hub id.
        revision: a commit, branch or tag; `main` if left out.
        env: the variables that say where the cache lies; this process's by default.
    """
    cached = repository(name, env, "datasets")
    commit = commit_of(cached, revision or MAIN)
    folder = cached / "snapshots" / (commit or "")
    return folder if commit and folder.is_dir() else None
