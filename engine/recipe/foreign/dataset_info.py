"""LLaMA-Factory's datasets, which its dataset_info.json tells of (data/parser.py, data/converter.py)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from engine.json_file import read_object
from engine.problem import Problem
from engine.recipe.fields import nearest
from engine.recipe.foreign.pairs import before, columns
from engine.recipe.foreign.translation import Translation, empty
from engine.text import one_line

KEYS: Final = frozenset({"dataset", "eval_dataset", "dataset_dir"})
INFO: Final = "dataset_info.json"
_ALPACA: Final = {"prompt": "instruction", "query": "input", "response": "output"}
_TAGS: Final = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
_ROLES: Final = {
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "assistant",
    "system_tag": "system",
}
_UNDERSTOOD: Final = {
    "user": {"human", "user"},
    "assistant": {"gpt", "assistant", "model", "function_call"},
    "tool": {"observation", "tool", "function"},
    "system": {"system"},
}
"""What roles are called in rows that are read without a mapping."""
_COLUMNS: Final = ("messages", "conversations", "conversation")


def data(said: dict[str, Any], folder: Path, found: Translation) -> None:
    """What `said` trains and evaluates on.

    Raises:
        Problem: dataset_info.json is not there, or does not know a dataset.
    """
    names = _names(said.get("dataset"))
    if not names:
        raise Problem("The file names no dataset.", why="`dataset` is empty.", do="Fill in `dataset`.")
    where = _folder(said.get("dataset_dir"), folder)
    info = _info(where)
    paired = "objective" in found.values
    sets = [_known(name, info, where, pairs=paired) for name in names]
    _sources("dataset", names, sets, "data", where, found)
    if not empty(said.get("dataset_dir")):
        found.note("dataset_dir", said["dataset_dir"], f"{where}")
    tests = _names(said.get("eval_dataset"))
    if tests:
        held = [_known(name, info, where, pairs=paired) for name in tests]
        _sources("eval_dataset", tests, held, "eval_data", where, found)
    for name, each in zip(names, sets, strict=True):
        (_pairs if paired else _rows)(name, each, found)
    if said.get("stage") == "pt":
        found.values["data_format"] = "text"
        found.values.pop("mapping", None)
        column = _columns(sets[0]).get("prompt")
        if column not in (None, "text"):
            found.values["mapping"] = {"text": f"{{{column}}}"}


def _names(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item).strip() for item in value]
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else []


def _folder(name: object, folder: Path) -> Path:
    """Where the datasets lie: from the file's folder or from the working one, else beside the file."""
    given = os.path.expanduser(name) if isinstance(name, str) and name else "data"
    places = [folder / given, Path.cwd() / given, folder, folder / "data"]
    found = next((place for place in places if (place / INFO).is_file()), None)
    if found is None:
        raise Problem(
            f"There is no {INFO}, which says what the datasets are.",
            where=str((folder / given).absolute()),
            why=f"dataset_dir is {one_line(given, 200)}.",
            do=f"Put {INFO} beside the file, or into the folder that dataset_dir names.",
        )
    return found.absolute()


def _info(where: Path) -> dict[str, Any]:
    try:
        return read_object(where / INFO)
    except (OSError, ValueError) as error:
        raise Problem(
            f"{INFO} cannot be read.", where=str(where / INFO), why=f"{error}.", do="Mend the file."
        ) from None


def _known(name: str, info: dict[str, Any], where: Path, *, pairs: bool) -> dict[str, Any]:
    each = info.get(name)
    if not isinstance(each, dict):
        near = nearest(name, tuple(info))
        raise Problem(
            f"{INFO} knows no dataset {one_line(name, 80)}.",
            where=str(where / INFO),
            do=f"Did you mean {near}?" if near else "Name one that it holds.",
        )
    if bool(each.get("ranking")) != pairs:
        holds = "preferences" if each.get("ranking") else "no preferences"
        raise Problem(
            f"The dataset {one_line(name, 80)} holds {holds}.",
            where=str(where / INFO),
            why=f"It {'says' if each.get('ranking') else 'does not say'} `ranking: true`.",
            do="Name datasets of pairs." if pairs else "Name datasets of answers, or set stage: dpo.",
        )
    return each


def _sources(
    key: str, names: list[str], sets: list[dict[str, Any]], field: str, where: Path, found: Translation
) -> None:
    entries: list[Any] = []
    for name, each in zip(names, sets, strict=True):
        hub = each.get("hf_hub_url") or each.get("ms_hub_url")
        if isinstance(each.get("file_name"), str) and not hub:
            entries.append(str(where / each["file_name"]))
        elif isinstance(hub, str):
            more = {"name": each.get("subset"), "split": each.get("split"), "revision": each.get("revision")}
            more = {word: value for word, value in more.items() if value}
            entries.append({"path": hub, **more} if more else hub)
        else:
            raise Problem(
                f"The dataset {one_line(name, 80)} has neither a file_name nor an hf_hub_url.",
                where=str(where / INFO),
                do="Fetch its rows to a file, and name that as file_name.",
            )
    found.values[field] = entries[0] if len(entries) == 1 else entries
    paths = ", ".join(str(entry["path"] if isinstance(entry, dict) else entry) for entry in entries)
    found.note(key, names, f"{field}: {paths}")


def _columns(each: dict[str, Any]) -> dict[str, Any]:
    columns = each.get("columns")
    return columns if isinstance(columns, dict) else {}


def _rows(name: str, each: dict[str, Any], found: Translation) -> None:
    """How the rows of a dataset are read."""
    kind = each.get("formatting", "alpaca")
    mapping = _of_alpaca(each) if kind == "alpaca" else _of_turns(each)
    if kind == "openai":
        found.note(
            f"{name}.formatting",
            kind,
            "read as turns",
            "LLaMA-Factory adds `detailed "
            "thinking off` to the "
            "system turn of such rows; here they stay as they are.",
        )
    else:
        found.note(f"{name}.formatting", kind, "data_format: alpaca" if kind == "alpaca" else "read as turns")
    if mapping is None and kind == "alpaca":
        found.values.setdefault("data_format", "alpaca")
    elif mapping is not None:
        if found.values.get("mapping", mapping) != mapping:
            found.leave(
                f"{name}.columns",
                each.get("columns"),
                "A recipe reads all its rows in one way: the first dataset decides. Make a recipe of each.",
            )
            return
        found.values["mapping"] = mapping
        found.values.pop("data_format", None)
        found.note(
            f"{name}.columns", each.get("columns") or each.get("tags"), f"mapping: {', '.join(mapping)}"
        )
    for column in ("images", "videos", "audios"):
        if _columns(each).get(column):
            found.leave(
                f"{name}.columns.{column}", _columns(each)[column], "Pictures and sound are not learnt here."
            )
    if _columns(each).get("tools"):
        found.note(
            f"{name}.columns.tools",
            _columns(each)["tools"],
            "tools",
            "The chat template writes tools, if it does; LLaMA-Factory writes them in a format of its own.",
        )
    if not empty(each.get("num_samples")):
        found.leave(f"{name}.num_samples", each["num_samples"], "All rows are used.")


def _pairs(name: str, each: dict[str, Any], found: Translation) -> None:
    """How the pairs of a dataset are read: by their usual names alone."""
    named = _columns(each)
    sides = [(side, named.get(side), side) for side in ("chosen", "rejected")]
    asked = before(named, ("prompt", "messages"))
    if each.get("formatting") != "sharegpt":
        asked += [("query", named["query"], "input")] if named.get("query") not in (None, "", "input") else []
    columns(found, f"{name}.columns", [*sides, *asked])


def _of_alpaca(each: dict[str, Any]) -> dict[str, Any] | None:
    """A mapping for columns of other names; None where they have the usual ones.

    Where the file names columns at all, those that it does not name are not read.
    """
    named = {name: column for name, column in _columns(each).items() if isinstance(column, str)}
    columns = named or _ALPACA
    if all(columns.get(name) == usual for name, usual in _ALPACA.items()):
        return None
    prompt, query, answer = (columns.get(name) for name in ("prompt", "query", "response"))
    question = "\n".join(f"{{{column}}}" for column in (prompt, query) if column)
    mapping = {"question": question or "{instruction}", "answer": f"{{{answer or 'output'}}}"}
    return mapping | ({"system": f"{{{columns['system']}}}"} if columns.get("system") else {})


def _of_turns(each: dict[str, Any]) -> dict[str, Any] | None:
    """A mapping for turns of other names; None where they are those that are read by themselves."""
    tags = {**_TAGS, **{k: v for k, v in (each.get("tags") or {}).items() if isinstance(v, str)}}
    if each.get("formatting") == "openai" and not each.get("tags"):
        tags |= {"role_tag": "role", "content_tag": "content"}
    column = _columns(each).get("messages") or "conversations"
    usual = (tags["role_tag"], tags["content_tag"]) in (("from", "value"), ("role", "content"))
    if column in _COLUMNS and usual and all(tags[tag] in _UNDERSTOOD[role] for tag, role in _ROLES.items()):
        return None
    return {
        "turns": column,
        "role_column": f"{column}.{tags['role_tag']}",
        "content": f"{{{column}.{tags['content_tag']}}}",
        "roles": {tags[tag]: role for tag, role in _ROLES.items()},
    }
