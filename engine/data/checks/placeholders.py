"""Blanks of a template that nobody filled in."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import has_code, prose
from engine.data.checks.seen import Seen

_WORDS: Final = (
    r"(?:(?:your|user|first|last|full|company|customer|assistant|model|bot|product|brand|team|author)[_ -]?)?"
)
_SHAPES: Final = {
    # Each begins with its bracket, by which a text without one is passed over at once.
    "{": re.compile(
        r"\{\{\s*[^\W\d][\w .-]{0,40}?\s*\}\}(?!\})"
        rf"|\{{{_WORDS}(?:name|author|company|customer|developer|organi[sz]ation)\}}(?!\}})",
        re.IGNORECASE,
    ),
    "<": re.compile(rf"<(?:{_WORDS.upper()})?NAME>|<(?i:insert|your)[ _][\w ,'-]{{1,60}}>"),
    "[": re.compile(r"\[(?:insert|fill in|placeholder)\b[^\]\n]{0,60}\]", re.IGNORECASE),
    "TODO": re.compile(r"^\s*TODO(?::|\s*$)", re.MULTILINE),
    "TBD": re.compile(r"^\s*TBD\s*$", re.MULTILINE),
    "psum": re.compile(r"\blorem ipsum\b", re.IGNORECASE),
}
_NO_BLANK: Final = re.compile(r"[\\$A-Za-z0-9}^{%_]\Z")
"""Behind these a brace is LaTeX, a shell's or a pipeline's variable, or code."""
_WANTED: Final = re.compile(
    r"\b(?:jinja2?|vue(?:js)?|angular|svelte|handlebars|mustache|liquid|ansible|helm|django|twig|nunjucks|latex"
    r"|templat\w*|placeholders?|variables?|f-strings?|fill[ -]in|blanks?|mail merge|to-?do|lorem|ipsum"
    r"|(?:dummy|filler) text|html|css|code)\b|模板|模版|占位符|变量|шаблон|plantilla|modèle|Vorlage",
    re.IGNORECASE,
)


def _look(seen: Seen) -> str:
    return _blank(seen.answer, seen.prompt) or _blank(seen.prompt, seen.prompt)


def _blank(text: str, prompt: str) -> str:
    for sign, shape in _SHAPES.items():
        if sign in text and shape.search(text):
            return "" if _WANTED.search(prompt) else _in_prose(text)
    return ""


def _in_prose(text: str) -> str:
    plain = prose(text)
    rest = plain
    for shape in _SHAPES.values():
        rest = shape.sub(" ", rest)
    if has_code(rest):
        return ""
    for shape in _SHAPES.values():
        for found in shape.finditer(plain):
            if not _NO_BLANK.search(plain, max(found.start() - 1, 0), found.start()):
                return found.group().strip()
    return ""


PLACEHOLDERS: Final = RowCheck(
    name="placeholder",
    category="placeholder",
    severity="warning",
    title="hold placeholders that nobody filled in",
    cause="The rows come from a template whose blanks, such as {{name}}, were never replaced.",
    remedy="Fill them in, or leave these rows out: the model learns to write the blanks.",
    look=_look,
    lines=True,
)
