"""Which key does what: a preset, and over it a person's own `openlora/keys.toml` in the config folder."""

from __future__ import annotations

import difflib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from engine.reading import UNDECODABLE, content
from openlora_tui import folders
from openlora_tui.actions import ACTIONS, BY_ID, TABLES, in_palette, shown, tables
from openlora_tui.actions.keys import KeyMistake, named
from openlora_tui.actions.places import PLACES

Keys = dict[str, tuple[str, ...]]
_LARGEST: Final = 1 << 20
_DEFAULT: Final[Keys] = {action.id: action.keys for action in ACTIONS}
_VIM: Final[Keys] = {
    "page_down": ("ctrl+f", "pagedown", "space"),
    "page_up": ("ctrl+b", "pageup"),
    "mark_before": ("h", "left"),
    "mark_after": ("l", "right"),
    "log": ("L",),
    "less": ("h", "left", "minus"),
    "more": ("l", "right", "plus", "equals_sign"),
    "find_rate": ("L",),
}
_MINIMAL: Final[Keys] = {
    "help": ("f1", "question_mark"),
    "new": ("f2",),
    "palette": ("f3", "ctrl+p"),
    "find": ("f4", "slash"),
    "pause": ("f5",),
    "save": ("f6",),
    "resume": ("f7",),
    "stop": ("f8",),
    "start": ("f5",),
    "write": ("f6", "ctrl+s"),
    "undo": ("f7",),
    "mistake": ("f8",),
    "onward": ("f9",),
    "back": ("f10",),
    "delete": ("delete",),
    "find_next": ("enter",),
    "find_before": ("backspace",),
}


def _harmless(key: str) -> bool:
    """Not a character, which a person may mean for another window; the numbers only change the screen."""
    return key.isdigit() or (len(shown(key)) > 1 and key not in ("space", "backspace"))


_QUIET: Final[Keys] = {id: tuple(key for key in keys if _harmless(key)) for id, keys in _DEFAULT.items()}
PRESETS: Final = {"default": _DEFAULT, "vim": _DEFAULT | _VIM, "minimal": _QUIET | _MINIMAL}
ABOUT: Final = {
    "default": "Arrows and vim's motions; a letter for each action.",
    "vim": "The same with `ctrl+f` and `ctrl+b` for pages, `h` and `l` for left and right.",
    "minimal": "Arrows, enter, escape and function keys: stray typing does nothing; the palette has all.",
}


class Keymap(msgspec.Struct, frozen=True):
    """The keys of every action; no action without a key that the palette cannot run."""

    keys: Mapping[str, tuple[str, ...]]

    def shown(self, id: str) -> str:
        """The first key of an action as it is written on a screen; empty where it has none."""
        keys = self.keys[id]
        return shown(keys[0]) if keys else ""

    def first_keys(self) -> dict[str, str]:
        """What each action that has a key is reached by."""
        return {id: self.shown(id) for id, keys in self.keys.items() if keys}

    def changes(self) -> dict[str, str]:
        """What differs from the bindings in the classes, in Textual's way of writing."""
        # Textual takes an empty entry for none at all; a key that no terminal sends takes the old one away.
        return {
            id: ",".join(keys) or f"nothing_{id}" for id, keys in self.keys.items() if keys != _DEFAULT[id]
        }


def load(preset: str = "") -> tuple[Keymap, list[str]]:
    """The keys to use, and what is wrong with the user's file; what is right in it counts."""
    path = folders.config() / "keys.toml"
    try:
        text = content(path, _LARGEST).decode()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        return _preset(preset, [f"{path} cannot be read: {error}."])
    return parse(text, str(path), preset)


def parse(text: str, path: str, preset: str = "") -> tuple[Keymap, list[str]]:
    """The keys of a file's text; `preset` overrules the one that it names."""
    try:
        found = tomllib.loads(text)
    except UNDECODABLE as error:  # TOMLDecodeError is a ValueError, as is a number of too many digits
        return _preset(preset, [f"{path} is not valid TOML: {error}."])
    mistakes = [
        f"{path}: {word} means nothing here; there are preset and [keys]."
        for word in found
        if word not in ("preset", "keys")
    ]
    wanted = found.get("keys", {})
    if not isinstance(wanted, dict):
        wanted, mistakes = {}, [*mistakes, f"{path}: keys is a table: [keys], then a line for each action."]
    base, mistakes = _preset(preset or str(found.get("preset", "")), mistakes)
    own: Keys = {}
    for id, value in wanted.items():
        try:
            own[id] = _own_keys(id, value)
        except KeyMistake as mistake:
            mistakes.append(f"{path}: {mistake}")
    keys, clashes = _without_clashes(dict(base.keys), own)
    return Keymap(keys), [*mistakes, *(f"{path}: {clash}" for clash in clashes)]


def _preset(name: str, mistakes: list[str]) -> tuple[Keymap, list[str]]:
    name = name or "default"
    if name in PRESETS:
        return Keymap(PRESETS[name]), mistakes
    known = ", ".join(PRESETS)
    return Keymap(_DEFAULT), [*mistakes, f"There are no keys called {name}; there are {known}."]


def _own_keys(id: str, value: object) -> tuple[str, ...]:
    if id not in BY_ID:
        near = difflib.get_close_matches(id, list(BY_ID), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; docs/keys.md lists the actions."
        raise KeyMistake(f"there is no action {id}{hint}")
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise KeyMistake(f'{id} is a key or a list of keys, such as "ctrl+x" or ["x", "f5"].')
    keys = tuple(dict.fromkeys(named(word) for word in words if word))
    if not keys and not in_palette(BY_ID[id]):
        raise KeyMistake(f"{id} needs a key: the palette cannot run it.")
    return keys


def contexts() -> dict[str, set[str]]:
    """What is bound at the same time, by the name of where: no key may mean two things there."""
    together = {place.title: {"app", "move", *tables(place.mode)} for place in PLACES}
    return together | {
        "pages of text": {"move", "find", "page", "dialogue"},
        "the advisor": {"app", "move", "advisor"},
    }


def clashes(keys: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], set[str]]:
    """(where, key) to the actions that share it there."""
    shared: dict[tuple[str, str], set[str]] = defaultdict(set)
    for where, names in contexts().items():
        for id in (action.id for name in names for action in TABLES[name].actions):
            for key in keys[id]:
                shared[where, key].add(id)
    return {at: ids for at, ids in shared.items() if len(ids) > 1}


def _without_clashes(base: Keys, own: Keys) -> tuple[Keys, list[str]]:
    """The preset with as much of `own` as leaves every key one meaning."""
    told: dict[tuple[str, ...], str] = {}
    while found := clashes(base | own):
        (where, key), ids = min(found.items())
        names = sorted(ids)
        told.setdefault((key, *names), f"{shown(key)} is given to {' and '.join(names)} in {where}.")
        mine = ids & set(own)
        if not mine:  # the preset's own fault, which no choice of the user's can mend
            break
        for id in mine:
            del own[id]
    return base | own, list(told.values())


def key_table() -> str:
    """The keys of every preset as Markdown, for the docs."""
    lines: list[str] = []
    for table in TABLES.values():
        lines += [f"### {table.title}", "", f"| action | {' | '.join(PRESETS)} | does |"]
        lines.append("|---" * (len(PRESETS) + 2) + "|")
        for action in table.actions:
            columns = [_code(preset[action.id]) for preset in PRESETS.values()]
            lines.append(f"| {action.id} | {' | '.join(columns)} | {action.help} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _code(keys: Iterable[str]) -> str:
    return " ".join("`\\|`" if key == "vertical_line" else f"`{shown(key)}`" for key in keys)
