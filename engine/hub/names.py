"""Names of hub models, and the folders that the same field of a recipe may hold in their place."""

from __future__ import annotations

import re
from typing import Final

_ID: Final = re.compile(r"(?:[\w][\w.-]{0,95}/)?[\w][\w.-]{0,95}", re.ASCII)
"""`owner/name`, or `name` alone for the hub's oldest models: the hub's own rule for a repository's id."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_REVISION: Final = re.compile(r"[^\s/\-~^:?*\[\\\x00-\x1f\x7f][^\s~^:?*\[\\\x00-\x1f\x7f]{0,199}")
MAIN: Final = "main"


def is_hub_id(model: str) -> bool:
    """True where `model` is written as a hub id; whether a folder of that name is here is another matter."""
    shaped = _ID.fullmatch(model) is not None and "--" not in model and ".." not in model
    return shaped and not model.endswith((".git", ".", "-"))


def is_commit(revision: str) -> bool:
    """True for a full commit hash, which never comes to mean something else."""
    return _COMMIT.fullmatch(revision) is not None


def is_revision(word: str) -> bool:
    """True for what may be the name of a branch or tag, or a commit: git's own rule, as far as it matters."""
    return _REVISION.fullmatch(word) is not None and ".." not in word and "//" not in word


def split(word: str) -> tuple[str, str | None]:
    """The id and the revision of `owner/name@revision`; None where no revision is named."""
    model, at, revision = word.partition("@")
    return model, revision if at else None
