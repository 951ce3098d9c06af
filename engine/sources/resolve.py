"""Turns what a recipe or a person names into files, and says what was decided on the way."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from engine.hub.datasets import dataset_folder
from engine.problem import Problem
from engine.sources.entry import Entry, entry_from, is_dataset, is_glob
from engine.sources.folder import layout_of
from engine.sources.layout import TRAIN, Layout, form, missing_part
from engine.text import one_line

Purpose = Literal["train", "eval"]
_WANTED: Final[dict[Purpose, tuple[str, ...]]] = {"train": (TRAIN,), "eval": ("validation", "test")}
"""Splits that are taken unasked, the first that is there."""
_MOST: Final = 100_000
_TOLD: Final = 6


class Source(msgspec.Struct, frozen=True):
    """One file to read rows from."""

    path: Path
    entry: int = 0
    """Which of the entries named it."""
    weight: float = 1.0
    """How often an epoch draws each of its rows."""


class Sources(msgspec.Struct, kw_only=True):
    """The files that some entries mean, in order."""

    files: list[Source] = []
    said: list[str] = []
    """What was decided that a person should know, a line each."""
    offer: Entry | None = None
    """What evaluation could be measured on: a split that is not trained on."""

    @property
    def weighted(self) -> bool:
        """True where rows are not simply drawn once an epoch."""
        return any(source.weight != 1.0 for source in self.files)


class NotHere(Problem):
    """A dataset of the hub that has to be fetched first."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            "The dataset is not on this machine.",
            where=entry.path,
            why="It is neither a file or folder nor whole in the Hugging Face cache.",
            do=f"Fetch it: {pull_words(entry)}",
        )
        self.entry = entry


def pull_words(entry: Entry) -> str:
    """The command that fetches the dataset."""
    at = f"@{entry.revision}" if entry.revision else ""
    options = [
        f"--{option} {value}" for option, value in (("name", entry.name), ("split", entry.split)) if value
    ]
    return " ".join(["openlora pull --dataset", entry.path + at, *options])


def entry_of(word: str | Entry) -> Entry:
    """The entry that a word of a command line means: a path, or a mapping such as `{path: a, split: test}`.

    Raises:
        Problem: it is no such mapping.
    """
    if isinstance(word, Entry):
        return word
    if not word.startswith("{"):
        return Entry(path=word)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="base", pure=True).load(word[:_MOST])
        return entry_from(found if isinstance(found, dict) else {})
    except (YAMLError, RecursionError, ValueError) as error:
        why = one_line(str(error), 200)
        do = "Write it as {path: owner/name, split: test}, in quotes."
        raise Problem("This names no data.", where=one_line(word, 80), why=why, do=do) from None


PLACED: Final = Path(os.devnull)
"""The folder of entries whose local paths are absolute: no other path of theirs is one of this machine."""


def resolve(
    entries: Sequence[str | Entry],
    purpose: Purpose = "train",
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Sources:
    """The files of `entries`; those of a plain path are not looked at.

    Args:
        purpose: which split is taken where none is named.
        folder: where relative paths start; this process's folder by default.
        env: the variables that say where the hub's cache lies.

    Raises:
        NotHere: a dataset of the hub has to be fetched first.
        Problem: it is not told which files are meant, with the choices; or there are none.
    """
    found = Sources()
    for number, entry in enumerate(map(entry_of, entries)):
        for path in _paths(entry, purpose, folder, env, found):
            found.files.append(Source(path, number, 1.0 if entry.weight is None else entry.weight))
    return found


def _paths(
    entry: Entry, purpose: Purpose, here: Path | None, env: Mapping[str, str] | None, found: Sources
) -> Iterator[Path]:
    if is_dataset(entry.path, here or Path.cwd()):
        place = dataset_folder(entry.path, entry.revision, env)
        if place is None:
            raise NotHere(entry)
        yield from _of_folder(place, entry, purpose, found, hub=True)
        return
    if entry.revision is not None:
        what = "Only a dataset of the hub has revisions."
        raise _refusal(entry, what, do="Leave `revision` out, or name the dataset as owner/name.")
    path = _local(entry, here)
    if os.path.isdir(path):
        yield from _of_folder(path, entry, purpose, found, hub=False)
        return
    if entry.split is not None or entry.name is not None:
        if not os.path.exists(path):
            raise _refusal(
                entry, "There is no folder of that name.", do="A dataset of the hub is owner/name."
            )
        raise _refusal(entry, "This is one file, and has no splits.", do="Leave `split` and `name` out.")
    if is_glob(entry.path) and not os.path.exists(path):
        yield from _of_glob(str(path), entry, found)
        return
    yield path


def _local(entry: Entry, here: Path | None) -> Path:
    path = Path(os.path.expanduser(entry.path))
    return path if here is None else here / path


def _of_glob(pattern: str, entry: Entry, found: Sources) -> Iterator[Path]:
    matching = sorted(islice(glob.iglob(pattern, recursive=True), _MOST + 1))
    files = [path for path in matching if not os.path.isdir(path)]
    if len(matching) > _MOST:
        raise _refusal(entry, f"More than {_MOST:,} files match.", do="Name a narrower pattern.")
    data = [path for path in files if form(path)]
    _tell_passed(entry, [path for path in files if not form(path)], found)
    if not data:
        what = "No file matches." if not files else "None of the files that match is data."
        raise _refusal(entry, what, do="Check the pattern: * stays within a folder, ** does not.")
    yield from map(Path, data)


def _of_folder(folder: Path, entry: Entry, purpose: Purpose, found: Sources, *, hub: bool) -> Iterator[Path]:
    whole = layout_of(folder)
    if hub and not _has(whole, entry, purpose):
        raise NotHere(entry)
    chosen = choose(whole, entry, purpose)
    if part := missing_part(chosen.names):
        if hub:
            raise NotHere(entry)
        raise _refusal(entry, f"A part is missing: {one_line(part, 100)}.", do="Get the files again.")
    found.said += chosen.said
    found.offer = found.offer or chosen.offer
    _tell_passed(entry, whole.passed, found)
    yield from (folder / name for name in chosen.names)


def _has(whole: Layout, entry: Entry, purpose: Purpose) -> bool:
    """True where what is in the cache has what the entry asks for.

    Only a part may have been fetched: a split that lies there alone is not taken for the one that is meant.
    """
    if not whole.configs or (entry.name is not None and entry.name not in whole.configs):
        return False
    config = entry.name or whole.default
    if config is None:
        return True
    wanted = _WANTED[purpose] if entry.split is None else (entry.split,)
    return any(split in whole.configs[config] for split in wanted)


# --- the choice ---


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one split."""

    names: list[str]
    config: str
    split: str
    said: list[str]
    offer: Entry | None


def choose(whole: Layout, entry: Entry, purpose: Purpose = "train") -> Chosen:
    """The files that `entry` means among those of a folder.

    Raises:
        Problem: there are none, or several could be meant; with the choices.
    """
    if not whole.configs:
        raise _no_data(whole, entry)
    config = _config(whole, entry)
    splits = whole.configs[config]
    split = _split(splits, entry, purpose)
    said = []
    if len(whole.configs) > 1 and entry.name is None:
        said.append(f"{entry.path}: configuration {config} of {_listed(whole.configs)}")
    if len(splits) > 1 and entry.split is None:
        said.append(f"{entry.path}: split {split} of {_listed(splits)}")
    other = next((name for name in _WANTED["eval"] if name in splits and name != split), None)
    offer = msgspec.structs.replace(entry, split=other, weight=None) if other and purpose == "train" else None
    return Chosen(names=splits[split], config=config, split=split, said=said, offer=offer)


def _config(whole: Layout, entry: Entry) -> str:
    if entry.name is not None:
        if entry.name not in whole.configs:
            what = f"There is no configuration {one_line(entry.name, 60)}."
            raise _refusal(entry, what, why=f"It has: {_listed(whole.configs)}.", do=_name_one(entry, "name"))
        return entry.name
    if whole.default is not None:
        return whole.default
    what = f"It has several configurations: {_listed(whole.configs)}."
    raise _refusal(entry, what, do=_name_one(entry, "name", next(iter(whole.configs))))


def _split(splits: Mapping[str, list[str]], entry: Entry, purpose: Purpose) -> str:
    if entry.split is not None:
        if entry.split not in splits:
            what = f"There is no split {one_line(entry.split, 60)}."
            do = _name_one(entry, "split", next(iter(splits)))
            if "[" in entry.split:
                do = "Name the whole split; `weight: 0.1` draws a tenth of its rows."
            raise _refusal(entry, what, why=f"It has: {_listed(splits)}.", do=do)
        return entry.split
    if len(splits) == 1:
        return next(iter(splits))
    for wanted in _WANTED[purpose]:
        if wanted in splits:
            return wanted
    what = f"It has several splits, and none is called {_WANTED[purpose][0]}: {_listed(splits)}."
    raise _refusal(entry, what, do=_name_one(entry, "split", next(iter(splits))))


def _name_one(entry: Entry, field: Literal["name", "split"], example: str = "") -> str:
    named = msgspec.structs.replace(entry, **{field: example}) if example else None
    return f"Name one, such as {named}" if named else f"Name one of them as `{field}`."


def _no_data(whole: Layout, entry: Entry) -> Problem:
    do = "Name a folder with .parquet, .jsonl, .json, .csv, .tsv or .txt files."
    if entry.path.count("/") == 1 and any(name.endswith(".py") for name in whole.passed):
        converted = msgspec.structs.replace(entry, revision="refs/convert/parquet")
        do = f"The hub's own conversion may have them: {converted}"
    why = f"It holds {_listed(whole.passed)}." if whole.passed else "It is empty."
    return _refusal(entry, "It is a folder, and there are no data files in it.", why=why, do=do)


def _tell_passed(entry: Entry, names: Sequence[str], found: Sources) -> None:
    if names:
        noun = "file is" if len(names) == 1 else "files are"
        shown = [
            os.path.relpath(name, os.path.dirname(entry.path)) if os.path.isabs(name) else name
            for name in names
        ]
        found.said.append(f"{entry.path}: {len(names):,} {noun} not read: {_listed(shown)}")


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    shown = [one_line(name, 60) for name in islice(names, _TOLD)]
    return ", ".join(shown) + (f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else "")


def _refusal(entry: Entry, what: str, *, why: str = "", do: str = "") -> Problem:
    return Problem(what, where=one_line(entry.path, 300), why=why, do=do)
