"""Which files of a folder are data, and to which configuration and split of it each belongs.

The rules are those of the hub, so that a dataset's repository, a clone of it and a folder that is laid out
like one are read alike: `configs:` in its README, else names of splits in the names of files or folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML

DEFAULT: Final = "default"
TRAIN: Final = "train"
_PACKED: Final = (".gz", ".zst")
_FORMS: Final = (".parquet", ".arrow", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
"""Of two files with one name, that with the earlier ending is read."""
_TEXTS: Final = (".txt", ".md")
_ABOUT: Final = re.compile(
    r"(readme|licen[cs]e|changelog|citation|notice)\b.*"
    r"|dataset_infos?\.json|dataset_dict\.json|state\.json|cache-.*\.arrow"
    r"|(adapter_|generation_|tokenizer_)?config\.json|tokenizer\.json|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\.(json|txt)|merges\.txt|.*\.index\.json",
    re.IGNORECASE,
)
"""Names of files that speak of data, or belong to a model, and are no data."""
_WORDS: Final = {
    TRAIN: ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHARD: Final = re.compile(r"data/(?P<split>[\w.]+)-\d{5}-of-\d{5}[^/]*")
_CONVERTED: Final = re.compile(r"(?P<config>[^/]+)/(?:partial-)?(?P<split>[\w.]+)/\d{4}\.parquet")
_PART: Final = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<whole>\d{5})")
_README: Final = 1 << 20
_GLOBS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_STARS: Final = 6
"""In one pattern; more could take very long to be matched."""
_CONFIGS: Final = re.compile(r"^configs:[ \t]*\n(?:[ \t-].*\n|[ \t]*\n)*", re.MULTILINE)

Splits = dict[str, list[str]]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The data files of a folder."""

    configs: dict[str, Splits]
    """Names of files by split, by configuration; none is empty."""
    default: str | None
    """The configuration that is meant where none is named."""
    passed: list[str]
    """Files that nothing is read from, those that speak of the data aside."""


def layout(names: Iterable[str], readme: str = "") -> Layout:
    """What the files of a folder are.

    Args:
        names: their paths below the folder, with `/`.
        readme: the text of its README.md, empty without one.
    """
    given = sorted(name for name in names if not _hidden(name))
    found = _data(given)
    configs, default = _configured([name for name in given if form(name)], readme)
    if not configs:
        configs = _converted(found)
        default = DEFAULT if DEFAULT in configs else None
    if not configs and found:
        configs, default = {DEFAULT: _splits(found)}, DEFAULT
    if default is None and len(configs) == 1:
        [default] = configs
    taken = {name for splits in configs.values() for files in splits.values() for name in files}
    passed = [name for name in given if name not in taken and not _ABOUT.fullmatch(_base(name))]
    return Layout(configs=configs, default=default, passed=passed)


def form(name: str) -> str:
    """The ending that says how a file is read, such as `.jsonl`; empty where it is no data."""
    path = PurePosixPath(name.lower())
    if path.suffix in _PACKED:
        path = path.with_suffix("")
    return path.suffix if path.suffix in (*_FORMS, *_TEXTS) else ""


def missing_part(names: Iterable[str]) -> str:
    """The first part that a series such as `train-00000-of-00002.parquet` lacks; empty where all are here."""
    series: dict[tuple[str, str], set[int]] = {}
    for name in names:
        if part := _PART.match(name):
            series.setdefault((part["stem"], part["whole"]), set()).add(int(part["number"]))
    for (stem, whole), numbers in series.items():
        # Some tools count from 1.
        begin = 0 if 0 in numbers else 1
        for number in range(begin, int(whole) + begin):
            if number not in numbers:
                return f"{stem}-{number:05d}-of-{whole}"
    return ""


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__")) for part in name.split("/"))


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _data(names: list[str]) -> list[str]:
    """The data among the files: tables, else texts; of a name in two forms the better one."""
    named = [name for name in names if form(name) and not _ABOUT.fullmatch(_base(name))]
    tables = [name for name in named if form(name) in _FORMS]
    if not tables:
        return named
    best: dict[str, str] = {}
    for name in sorted(tables, key=lambda name: _FORMS.index(form(name))):
        best.setdefault(name[: name.lower().rindex(form(name))], name)
    return sorted(best.values())


def _splits(names: list[str]) -> Splits:
    """Files by split; all of them train where no name says anything."""
    for split_of in (_shard_split, _file_split, _folder_split):
        splits: Splits = {}
        rest = []
        for name in names:
            split = split_of(name)
            splits.setdefault(split, []).append(name) if split else rest.append(name)
        if splits:
            if TRAIN not in splits and rest:
                splits[TRAIN] = rest
            return splits
    return {TRAIN: names}


def _shard_split(name: str) -> str:
    shard = _SHARD.fullmatch(name)
    return shard["split"] if shard else ""


def _file_split(name: str) -> str:
    return _word_in(_base(name))


def _folder_split(name: str) -> str:
    return next(filter(None, map(_word_in, reversed(name.split("/")[:-1]))), "")


def _word_in(text: str) -> str:
    """The split whose word stands in the text, apart from other letters."""
    words = set(re.split(r"[-._ 0-9]+", text.lower()))
    return next((split for split, known in _WORDS.items() if words.intersection(known)), "")


def _converted(names: list[str]) -> dict[str, Splits]:
    """Configurations of the branch `refs/convert/parquet`, which the hub writes itself."""
    found: dict[str, Splits] = {}
    for name in names:
        match = _CONVERTED.fullmatch(name)
        if match is None:
            return {}
        found.setdefault(match["config"], {}).setdefault(match["split"], []).append(name)
    return found


# --- the README ---


def _configured(names: list[str], readme: str) -> tuple[dict[str, Splits], str | None]:
    """Configurations that the README tells of, as far as there are files of them, and which is meant."""
    configs: dict[str, Splits] = {}
    default = None
    for told in _told(readme):
        name, folder = told.get("config_name", DEFAULT), told.get("data_dir")
        if not isinstance(name, str):
            continue
        inside = f"{folder.strip('./')}/" if isinstance(folder, str) and folder.strip("./") else ""
        below = [file for file in names if file.startswith(inside)]
        splits = _named_splits(below, told["data_files"], inside) if "data_files" in told else _splits(below)
        if not any(splits.values()):
            continue
        configs[name] = {split: files for split, files in splits.items() if files}
        if told.get("default") is True or name == DEFAULT:
            default = name
    return configs, default


def _told(readme: str) -> list[dict[str, Any]]:
    head = re.match(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", readme[:_README], re.DOTALL)
    block = _CONFIGS.search(head[1]) if head else None
    if block is None:
        return []
    try:
        told = YAML(typ="safe", pure=True).load(block[0])["configs"]
    except Exception:  # on strange input ruamel raises whatever its own code runs into
        return []
    return [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []


def _named_splits(names: list[str], told: object, inside: str) -> Splits:
    """Files by split as `data_files` says it: patterns, a mapping, or a list of `split` and `path`."""
    if isinstance(told, Mapping):
        pairs = list(told.items())
    elif isinstance(told, list) and told and all(isinstance(item, dict) for item in told):
        pairs = [(item.get("split", TRAIN), item.get("path")) for item in told]
    else:
        pairs = [(TRAIN, told)]
    found: Splits = {}
    for split, paths in pairs:
        if not isinstance(split, str):
            continue
        patterns = [_pattern(inside + path.removeprefix("./")) for path in _texts(paths)]
        matching = [name for name in names if any(pattern.fullmatch(name) for pattern in patterns)]
        found.setdefault(split, []).extend(matching)
    return found


def _texts(value: object) -> list[str]:
    # Aliases can make such a nest of a short README that nothing but texts may be written out.
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _pattern(glob: str) -> re.Pattern[str]:
    """The hub's globs: `*` stays within a folder, `**` does not; a glob of very many matches nothing."""
    if glob.count("*") > _STARS:
        return re.compile(r"(?!)")
    parts = (_GLOBS.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob))
    return re.compile("".join(parts))
