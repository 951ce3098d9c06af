"""Names of keys: as a person writes them, and as Textual does."""

from __future__ import annotations

import re
from typing import Final

_SHOWN: Final = {
    "question_mark": "?", "colon": ":", "slash": "/", "plus": "+", "minus": "-", "equals_sign": "=",
    "left_square_bracket": "[", "right_square_bracket": "]", "full_stop": ".", "comma": ",",
    "semicolon": ";", "exclamation_mark": "!", "underscore": "_", "backslash": "\\", "tilde": "~",
    "less_than_sign": "<", "greater_than_sign": ">", "asterisk": "*", "number_sign": "#", "at": "@",
    "dollar_sign": "$", "percent_sign": "%", "ampersand": "&", "left_parenthesis": "(",
    "right_parenthesis": ")", "left_curly_bracket": "{", "right_curly_bracket": "}", "vertical_line": "|",
    "quotation_mark": '"', "apostrophe": "'", "grave_accent": "`", "circumflex_accent": "^",
    "escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "delete": "del", "insert": "ins",
}  # fmt: skip
_NAMED: Final = {shown: name for name, shown in _SHOWN.items()} | {"return": "enter", "blank": "space"}
_WORDS: Final = frozenset((
    "enter", "escape", "tab", "shift+tab", "space", "backspace", "delete", "insert", "home", "end", "pageup",
    "pagedown", "up", "down", "left", "right",
))  # fmt: skip
_LETTER_OR_NUMBER: Final = re.compile(r"ctrl\+[a-z]|f([1-9]|1[0-2])")
_SAME: Final = {
    "ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+[": "esc",
    "ctrl+left_square_bracket": "esc",
}  # fmt: skip
_TAKEN: Final = {
    "ctrl+c": "it never quits here, and says how to", "ctrl+z": "it puts the app into the background",
}  # fmt: skip


class KeyMistake(Exception):
    """What is wrong with a key, in one sentence."""


def shown(key: str) -> str:
    """A key as it is written on a screen and in the docs."""
    return _SHOWN.get(key, key)


def named(word: str) -> str:
    """Textual's name of a key that a person wrote.

    Raises:
        KeyMistake: no such key, or one that a terminal cannot send as such.
    """
    if len(word) == 1 and word.isascii() and word.isalnum():
        return word
    key = _NAMED.get(word, _NAMED.get(word.lower(), word.lower()))
    if key in _SAME:
        raise KeyMistake(f"a terminal sends the same for {word} as for {_SAME[key]}; choose another key.")
    if key in _TAKEN:
        raise KeyMistake(f"{word} is taken: {_TAKEN[key]}.")
    if (
        key in _SHOWN
        or key in _WORDS
        or key == "shift+tab"
        or re.fullmatch(r"ctrl\+[a-z]|f([1-9]|1[0-2])", key)
    ):
        return key
    raise KeyMistake(
        f"{word!r} is no key that every terminal sends; there are characters, ctrl+LETTER, f1 to f12, "
        "and enter, esc, space, tab, del, home, end, pgup, pgdn and the arrows."
    )
