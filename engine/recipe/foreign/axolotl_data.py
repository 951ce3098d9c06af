"""Axolotl's datasets: what their rows are, how they are written and what of them is learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.mapping.names import ROLES
from engine.recipe.foreign import pairs
from engine.recipe.foreign.source import located
from engine.recipe.foreign.translation import Translation, empty, told
from engine.templates.registry import is_file

KEYS: Final = frozenset(
    {"datasets", "test_datasets", "pretraining_dataset", "chat_template", "chat_template_jinja"}
)
_TEMPLATES: Final = {
    "chatml": "chatml",
    "llama3": "llama3",
    "gemma": "gemma",
    "mistral_v2v3": "mistral",
    "qwen_25": "qwen",
    "phi_35": "phi-3",
}
"""Its templates that have an equal here."""
_APART: Final = {
    "alpaca": "alpaca",
    "gpteacher": "alpaca",
    "alpaca_chat": "axolotl-alpaca_chat",
    "alpaca:chat": "axolotl-alpaca_chat",
    "alpaca_chat.load": "axolotl-alpaca_chat",
}
"""Types that tokenise prompt and answer each on its own, and the template of the same words."""
_COLUMNS: Final = ("messages", "conversations", "conversation")
_PROPERTIES: Final = ({"role": "role", "content": "content"}, {"role": "from", "content": "value"})
_HELD: Final = ("path", "data_files", "type", "split", "name", "revision", "ds_type")


def data(said: dict[str, Any], folder: Path, found: Translation) -> None:
    """What `said` trains and evaluates on, and how its rows become tokens."""
    key = "datasets" if not empty(said.get("datasets")) else "pretraining_dataset"
    sets = _entries(said.get(key))
    _sources(key, said.get(key), sets, "data", folder, found)
    if not empty(said.get("test_datasets")):
        tests = _entries(said["test_datasets"])
        _sources("test_datasets", said["test_datasets"], tests, "eval_data", folder, found)
    if key == "pretraining_dataset":
        sets = [{"type": "completion", **each} for each in sets]
    types = list(dict.fromkeys(told(each.get("type")) for each in sets))
    if len(types) > 1:
        found.note(
            "datasets.type",
            types,
            types[0],
            "A recipe reads all its rows in one way: the "
            "first decides. "
            "Make a recipe of each, the second with `adapter` from the first.",
        )
    first = sets[0] if sets else {}
    if "objective" in found.values:
        _pairs(first, said, folder, found)
    else:
        _written(first, said, folder, found)
    for name in ("chat_template", "chat_template_jinja"):
        if name in said and not any(line.key == name for line in found.lines):
            found.leave(name, said[name], "Only rows of type chat_template are written by it.")


def _entries(raw: object) -> list[dict[str, Any]]:
    items = raw if isinstance(raw, list) else [raw]
    return [item if isinstance(item, dict) else {"path": item} for item in items if not empty(item)]


def _sources(
    key: str, raw: object, sets: list[dict[str, Any]], field: str, folder: Path, found: Translation
) -> None:
    entries: list[Any] = []
    for each in sets:
        files = each.get("data_files")
        paths = files if isinstance(files, list) else [files] if files else [each.get("path")]
        hub = {name: each[name] for name in ("name", "split", "revision") if each.get(name)}
        for path in paths:
            place = located(str(path), folder)
            entries.append({"path": place, **hub} if hub and not Path(place).is_absolute() else place)
    if not entries:
        found.leave(key, raw, "It names no data.")
        return
    found.values[field] = entries[0] if len(entries) == 1 else entries
    names = ", ".join(str(entry["path"] if isinstance(entry, dict) else entry) for entry in entries)
    found.note(key, raw, f"{field}: {names}")


def _written(each: dict[str, Any], said: dict[str, Any], folder: Path, found: Translation) -> None:
    """How the rows of a dataset become tokens."""
    kind = each.get("type")
    kind = kind if isinstance(kind, (str, dict)) else told(kind)
    if isinstance(kind, dict):
        _own_prompt(kind, found)
    elif kind in _APART:
        found.note(
            "datasets.type",
            kind,
            f"chat_template: {_APART[kind]}; tokenize_turns: apart",
            "Rows with an empty answer are left out; Axolotl learns their end alone.",
        )
        found.values |= {"chat_template": _APART[kind], "tokenize_turns": "apart", "data_format": "alpaca"}
    elif kind == "completion":
        column = each.get("field") or "text"
        found.note(
            "datasets.type",
            kind,
            "data_format: text",
            "Texts beyond max_length are learnt "
            "in windows, "
            "each begun as a text is; Axolotl begins only the first so.",
        )
        found.values["data_format"] = "text"
        if column != "text":
            found.values |= {"mapping": {"text": f"{{{column}}}"}}
    elif kind == "chat_template" or str(kind).startswith("sharegpt"):
        _conversation(each, said, folder, found)
    else:
        found.leave(
            "datasets.type",
            kind,
            "Its prompt has no equal here: rows are read by their "
            "columns, and "
            "written by the model's own chat template.",
        )
    for name in each.keys() - set(_HELD) - _READ.get(str(kind), frozenset()):
        found.leave(f"datasets.{name}", each[name], "It is not known here, and does nothing.")


def _pairs(each: dict[str, Any], said: dict[str, Any], folder: Path, found: Translation) -> None:
    """How pairs of answers become tokens: by the template that the type names, where it names one."""
    kind = each.get("type")
    family, _, way = str(kind if isinstance(kind, str) else "").partition(".")
    if family in _TEMPLATES:
        found.take("datasets.type", kind, "chat_template", _TEMPLATES[family])
    elif family == "chat_template":
        own = each if not empty(each.get("chat_template")) else said
        _template(own, "datasets.chat_template" if own is each else "chat_template", folder, found)
    else:
        found.leave("datasets.type", kind, "Pairs are written by the model's own chat template.")
    named = kind if isinstance(kind, dict) else each
    answers = ("field_chosen", "chosen"), ("field_rejected", "rejected")
    sides = [(name, named.get(name), usual) for name, usual in answers]
    if way == "argilla" and family != "chat_template":
        sides = [(usual, f"{usual}_response", usual) for _, usual in answers]
    asked = pairs.before(named, ("field_prompt", "field_messages"))
    pairs.columns(found, "datasets.columns", [*sides, *asked])
    for name in each.keys() - set(_HELD) - _CHAT - {"field_chosen", "field_rejected", "field_prompt"}:
        found.leave(f"datasets.{name}", each[name], "It is not known here, and does nothing.")


_CHAT: Final = frozenset(
    {
        "chat_template",
        "chat_template_jinja",
        "field_messages",
        "message_property_mappings",
        "roles",
        "message_field_role",
        "message_field_content",
        "roles_to_train",
        "train_on_eos",
        "conversation",
    }
)
_READ: Final = {"chat_template": _CHAT, "completion": frozenset({"field"})}


def _conversation(each: dict[str, Any], said: dict[str, Any], folder: Path, found: Translation) -> None:
    kind = str(each.get("type"))
    found.note(
        "datasets.type",
        kind,
        "rows of turns",
        ""
        if kind == "chat_template"
        else "Axolotl itself no longer takes sharegpt; the rows are read as type chat_template.",
    )
    found.values["tokenize_turns"] = "together"
    own = each if not empty(each.get("chat_template")) or not empty(each.get("chat_template_jinja")) else said
    _template(own, "datasets.chat_template" if own is each else "chat_template", folder, found)
    properties = each.get("message_property_mappings") or {
        "role": each.get("message_field_role") or "role",
        "content": each.get("message_field_content") or "content",
    }
    column = each.get("field_messages") or "messages"
    known = (
        {name: properties.get(name) for name in ("role", "content")} if isinstance(properties, dict) else {}
    )
    if column in _COLUMNS and known in _PROPERTIES and _usual(each.get("roles")):
        found.note("datasets.field_messages", column, "read as it stands")
    else:
        roles = each.get("roles") if isinstance(each.get("roles"), dict) else {}
        found.values["mapping"] = {
            "turns": column,
            "role_column": f"{column}.{known.get('role', 'role')}",
            "content": f"{{{column}.{known.get('content', 'content')}}}",
            **({"roles": {str(old): new for new, olds in roles.items() for old in olds}} if roles else {}),
        }
        found.note("datasets.field_messages", column, "mapping: turns, role_column, content, roles")
    _learnt(each, found)


def _usual(roles: object) -> bool:
    """True where roles are called what rows of turns call them anyhow."""
    if not isinstance(roles, dict):
        return True
    words = [(old, new) for new, olds in roles.items() if isinstance(olds, list) for old in olds]
    return all(isinstance(old, str) and ROLES.get(old.lower()) == new for old, new in words)


def _learnt(each: dict[str, Any], found: Translation) -> None:
    trained = each.get("roles_to_train", ["assistant"])
    if empty(trained) and empty(each.get("train_on_eos", "turn")):
        found.values["train_on"] = "last_answer"
        found.note("datasets.roles_to_train", trained, "train_on: last_answer")
    elif trained not in (["assistant"], ["gpt"]):
        found.leave("datasets.roles_to_train", trained, "The assistant's turns are learnt, and no others.")
    end = each.get("train_on_eos", "turn")
    own = "The end of every answer is learnt, as the template writes it"
    if end == "turn":
        more = "Axolotl learns it only where it is the eos_token or one of eot_tokens."
        found.note("datasets.train_on_eos", end, "every answer's end is learnt", more)
    elif not empty(end):
        found.leave("datasets.train_on_eos", end, f"{own}.")


def _template(own: dict[str, Any], key: str, folder: Path, found: Translation) -> None:
    name, source = own.get("chat_template"), own.get("chat_template_jinja")
    if not empty(source) and name in (None, "jinja"):
        _jinja(str(source), key, folder, found)
    elif empty(name) or name == "tokenizer_default":
        found.note(key, name, "the model's own")
    elif str(name).startswith("tokenizer_default_fallback_"):
        other = str(name).removeprefix("tokenizer_default_fallback_")
        found.note(
            key, name, "the model's own", f"Where the model has none, name chat_template: {other} yourself."
        )
    elif name in _TEMPLATES:
        found.take(key, name, "chat_template", _TEMPLATES[name])
    else:
        found.leave(
            key,
            name,
            "It has no equal here: the model's own is taken. Save Axolotl's "
            f"{told(name)}.jinja, and name that file as chat_template.",
        )


def _jinja(source: str, key: str, folder: Path, found: Translation) -> None:
    path = located(source, folder) if "{" not in source and is_file(source) else ""
    if path:
        found.take(f"{key}_jinja", source, "chat_template", path)
        return
    found.files["jinja"] = source
    found.note(f"{key}_jinja", "a template", "chat_template: a file beside the recipe")


def _own_prompt(kind: dict[str, Any], found: Translation) -> None:
    """A prompt that the file itself spells out becomes a mapping of prompt and completion."""
    names = {name: kind.get(f"field_{name}") or name for name in ("instruction", "input", "output", "system")}
    form = kind.get("format") or "{instruction}"
    bare = kind.get("no_input_format") or form
    prompt = str(form).replace("\\n", "\n")
    if "{input}" in prompt and bare != form and empty(kind.get("field_input")):
        prompt = str(bare).replace("\\n", "\n")
    for name in ("instruction", "input"):
        prompt = prompt.replace(f"{{{name}}}", f"{{{names[name]}}}")
    system = f"{kind.get('system_prompt') or ''}"
    if system:
        prompt = str(kind.get("system_format") or "{system}").replace("{system}", system) + prompt
    found.values |= {
        "mapping": {"prompt": prompt, "completion": f"{{{names['output']}}}"},
        "tokenize_turns": "apart",
    }
    unequal = (
        ""
        if bare == form or "{input}" not in str(form)
        else ("no_input_format is not taken over: lines of `format` whose columns are empty are left out.")
    )
    found.note("datasets.type", kind, "mapping: prompt and completion; tokenize_turns: apart", unequal)
