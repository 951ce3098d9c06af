"""What OpenLoRA leaves on a machine: what an uninstall takes away, and what is not its to take."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from engine import paths
from engine.hub import cache
from engine.problem import Problem
from engine.recipe.yaml import survey as values_of
from engine.run_dir import RunDir, all_runs
from openlora_tui import folders, ui_state
from openlora_tui.whereabouts import bytes_below, spots

_OUTPUT: Final = re.compile(r"^output_dir\s*:", re.MULTILINE)
_OURS: Final = {
    "runs": re.compile(r"\d+|\.deleted-.*"),
    "live": re.compile(r"\d+"),
    "searches": re.compile(r"\d+\.(json|yaml|lock)|begun\.log|\..*\.draft"),
    "tokens": re.compile(r"\.?[0-9a-f]{32}(\.lock|\.draft|\.replaced)?"),
    "drafts": re.compile(r"[0-9a-f]{32}\.(json|lock)|\..*\.part"),
}
"""What OpenLoRA calls its own in folders with names that other programs may use as well."""


class Leftovers(msgspec.Struct, frozen=True):
    """What is here."""

    goes: list[tuple[Path, int]]
    """Written by OpenLoRA, with its bytes."""
    stays: list[tuple[Path, str]]
    """A person's own or another program's, with the reason."""


def survey() -> Leftovers:
    """Look at everything; changes nothing."""
    root = paths.home_path()
    written = [*_in_home(root), *_sockets(root)]
    state = ui_state.path()
    if state.parent != root and state.exists():
        written.append(state)
    stays = [(path, "its name is none of OpenLoRA's") for path in _foreign(root, written)]
    stays += [(path, why) for path, why in _yours(root) if path.exists()]
    return Leftovers([(path, sum(map(bytes_below, _entries(path)))) for path in written], stays)


def _in_home(root: Path) -> list[Path]:
    """Entries of the home by their own names alone: a home may be a folder with other things in it."""
    names = {spot.path.name for spot in spots() if spot.path.parent == root and not spot.yours}
    names |= {path.name for path in root.glob(".engine-*.lock")}
    names |= {f"store{end}" for end in (".sqlite-wal", ".sqlite-shm", ".sqlite-journal", ".damaged")}
    there = (root / name for name in sorted(names))
    return [path for path in there if (path.exists() or path.is_symlink()) and _entries(path)]


def _sockets(root: Path) -> list[Path]:
    """What this home's engines have left beside those of other homes."""
    folder = paths.socket_path()
    return sorted(folder.glob(f"{paths.engine_name(root)}[.-]*")) if folder.is_dir() else []


def _foreign(root: Path, written: list[Path]) -> list[Path]:
    if not root.is_dir():
        return []
    strange = [path for path in root.iterdir() if path not in written and path.name not in _OURS]
    for folder in (root / name for name in _OURS):
        if folder.is_dir():
            strange += [path for path in folder.iterdir() if not _OURS[folder.name].fullmatch(path.name)]
    return sorted(strange)


def _yours(root: Path) -> Iterator[tuple[Path, str]]:
    for folder in dict.fromkeys(_outputs(root)):
        yield folder, "an adapter that a run saved there, by `output_dir`"
    yield folders.config(), "keys and themes of your own"
    yield cache.cache_folder(), "the Hugging Face cache, which other programs use too"


def _outputs(root: Path) -> Iterator[Path]:
    """The folders outside the home that recipes have named for their adapters."""
    if not paths.runs_folder(root).is_dir():
        return
    for run in all_runs(root):
        try:
            text = RunDir(root, run).recipe.read_text(encoding="utf-8")
            # Reading YAML takes milliseconds, and most recipes of thousands name no folder.
            named = values_of(text).values.get("output_dir") if _OUTPUT.search(text) else None
        except (OSError, UnicodeDecodeError, Problem):
            continue
        if isinstance(named, str):
            yield Path(named)


def remove(found: Leftovers) -> list[tuple[Path, str]]:
    """Delete what goes, and folders that are empty then; what could not be deleted, with the reason."""
    kept: list[tuple[Path, str]] = []
    for path, _ in found.goes:
        for entry in _entries(path):
            _delete(entry, kept)
    root = paths.home_path()
    for folder in (*(root / name for name in _OURS), root, ui_state.path().parent, paths.socket_path()):
        with contextlib.suppress(OSError):  # not empty, or not there: whatever is in it stays
            folder.rmdir()
    return kept


def _entries(path: Path) -> list[Path]:
    """What to delete of a folder whose name others use too; everything else goes as a whole."""
    names = _OURS.get(path.name) if path.parent == paths.home_path() else None
    if names is None or not path.is_dir():
        return [path]
    return [entry for entry in path.iterdir() if names.fullmatch(entry.name)]


def _delete(path: Path, kept: list[tuple[Path, str]]) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        kept.append((Path(error.filename or path), error.strerror or str(error)))
