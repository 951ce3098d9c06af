"""The program code that some models bring along, and the words by which a person lets it run.

transformers runs such code where it does not know a model's kind by itself. Here it runs in a worker alone,
and only where the recipe says so in words that name the model and hold a digest of all its code, so that
other code asks again.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.json_file import read_object
from engine.problem import Problem

_NAMED_IN: Final = ("config.json", "tokenizer_config.json")
_LARGEST: Final = 64 << 20
_DIGITS: Final = 20
_SHOWN: Final = 6
_WORDS: Final = re.compile(rf"I trust the code of .+@([0-9a-f]{{{_DIGITS}}})")


class Code(msgspec.Struct, frozen=True):
    """The code in a model's folder."""

    named: dict[str, list[str]]
    """What the model wants to take from it, by the class of transformers that would ask for it."""
    files: list[str]
    """Every Python file there, relative to the folder."""
    digest: str
    """Of the files' names and contents."""

    @property
    def elsewhere(self) -> list[str]:
        """Repositories other than the model's own that code would come from."""
        named = (name for names in self.named.values() for name in names)
        return sorted({name.partition("--")[0] for name in named if "--" in name})


def code_of(folder: Path) -> Code | None:
    """The code that the model in `folder` brings, None where it names none."""
    named: dict[str, list[str]] = {}
    for name in _NAMED_IN:
        for kind, wanted in _auto_map(folder / name).items():
            parts = wanted if isinstance(wanted, list) else [wanted]
            named.setdefault(kind, []).extend(part for part in parts if isinstance(part, str))
    if not named:
        return None
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py") if path.is_file())
    return Code(named, files, _digest(folder, files))


def words(model: str, code: Code) -> str:
    """What the recipe has to say before this code runs; the digest counts, the name is for people."""
    return f"I trust the code of {_short(model)}@{code.digest}"


def is_trusted(given: str | None, model: str, folder: Path) -> bool:
    """True where `given`, the recipe's `trust_remote_code`, lets the code in `folder` run.

    Args:
        model: what the recipe calls the model.

    Raises:
        Problem: it speaks of other code than there is.
    """
    code = code_of(folder)
    if code is None or given in (None, "false", "no"):
        return False
    said = _WORDS.fullmatch(" ".join((given or "").split()))
    if said is not None and said[1] == code.digest and not code.elsewhere:
        return True
    raise refused(
        model, folder, code, "`trust_remote_code` does not speak of this code; it may have changed."
    )


def refused(model: str, folder: Path, code: Code, why: str) -> Problem:
    """That the model's code does not run, which code that is, and what a person can do."""
    count = len(code.files)
    listed = ", ".join(code.files[:_SHOWN]) + (f" and {count - _SHOWN} more" if count > _SHOWN else "")
    if code.elsewhere:
        repositories = ", ".join(code.elsewhere)
        do = f"It would come from {repositories}: use a model whose code lies in its own folder."
    elif not count:
        do = f"The code is not here: `openlora pull {_short(model)} --code` brings it, to be read."
    else:
        do = (
            f"Read {listed}: code can do whatever you can. To let it run in this run's worker, "
            f"write into the recipe: trust_remote_code: {words(model, code)}"
        )
    return Problem(
        "The model brings program code of its own, and that does not run unless you trust it.",
        where=str(folder),
        why=why,
        do=do,
    )


def _short(model: str) -> str:
    """A hub id as it is, a folder by its last name, so that the words hold wherever it is moved."""
    return Path(model).name if Path(model).is_absolute() or model.startswith((".", "~")) else model


def _auto_map(path: Path) -> dict[str, Any]:
    try:
        found = read_object(path).get("auto_map")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(folder: Path, files: list[str]) -> str:
    whole = hashlib.sha256()
    for name in files:
        with (folder / name).open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise Problem("A file of code is too large to be code.", where=str(folder / name))
        whole.update(f"{len(name.encode())} {name} {len(data)} ".encode())
        whole.update(data)
    return whole.hexdigest()[:_DIGITS]
