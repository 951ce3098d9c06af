"""Grammars (GBNF) that bind what the model says, written by hand: llama.cpp dies of one that is not sound.

Each is tried against real models in tests. What they let through is still checked: a grammar says how a
number is written, not that it makes sense.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_type_hints

from engine.local_model.proposal import PROPOSABLE
from engine.recipe.fields import field_named
from engine.recipe.recipe import Recipe

CHANGE_TOKENS: Final = 192
"""Tokens in which the grammar of a change closes, even with a token for each character."""
_TYPES: Final[dict[str, Any]] = get_type_hints(Recipe)
_VALUES: Final[dict[Any, str]] = {bool: "truth", int: "whole", float: "number"}
_RULES: Final = """
truth ::= "true" | "false"
whole ::= "0" | [1-9] [0-9]{0,5}
number ::= [1-9] ("." [0-9]{1,2})? "e-" [1-9] | "0" ("." [0-9]{1,4})? | [1-9] [0-9]{0,4} ("." [0-9])?
"""
_CHANGES: Final = 2


def of_answer(findings: int) -> str:
    """Plain text in which `[` and `]` stand around the number of a finding and nowhere else."""
    plain = r"[^\[\]\x00-\x09\x0B-\x1F\x7F]"
    if not findings:
        return f"root ::= {plain}+\n"
    numbers = " | ".join(_quoted(str(number)) for number in range(1, findings + 1))
    return f'root ::= ({plain} | cite)+\ncite ::= "[" ({numbers}) "]"\n'


def of_change(findings: int, fields: Sequence[str] = PROPOSABLE) -> str:
    """JSON that names at most two new values and what they rest on, or none:
    `{"change": {"learning_rate": 1e-4}, "rests_on": [1]}`."""
    pairs = " | ".join(_key(name) + _value(name) for name in fields)
    numbers = " | ".join(_quoted(str(number)) for number in range(1, findings + 1))
    more = f"{{0,{_CHANGES - 1}}}"
    named = f'"[" ({numbers}) (", " ({numbers})){more} "]" | ' if findings else ""
    begin, rest, end = map(_quoted, ('{"change": ', ', "rests_on": ', "}"))
    return (
        f"root ::= {begin} change {rest} cites {end}\n"
        f'change ::= "null" | "{{" pair (", " pair){more} "}}"\n'
        f"pair ::= {pairs}\n"
        f'cites ::= {named}"[]"\n{_RULES}'
    )


def _key(name: str) -> str:
    return _quoted(f'"{name}": ') + " "


def _value(name: str) -> str:
    field = field_named(name)
    if field is not None and field.choices:
        return "(" + " | ".join(_quoted(f'"{choice}"') for choice in field.choices) + ")"
    return _VALUES[_TYPES[name]]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
