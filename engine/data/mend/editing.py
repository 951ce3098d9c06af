"""Steps that change texts and keep every row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from engine.data.checks.characters import tidied
from engine.data.checks.pii import redact
from engine.data.mend.setting import Setting
from engine.data.mend.step import Note, Rows, Work
from engine.data.row import Row
from engine.problem import Problem

Edit = Callable[[str], str]


def edited(row: Row, edit: Edit) -> Row:
    """The row with `edit` done to each text in it, however deep."""
    return msgspec.structs.replace(
        row, values={name: _deep(value, edit) for name, value in row.values.items()}
    )


def editing(edit: Edit) -> Work:
    """A step that does `edit` to every text."""

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        for row in rows():
            made = edited(row, edit)
            if made.values != row.values:
                note.changed.add(row.where)
            yield made

    return work


def clean(_: str, setting: Setting) -> Work:
    """Mend mojibake, and take out what nobody sees, steers a terminal or turns a text around."""
    # Imported on use: its tables take a tenth of a second.
    from ftfy import TextFixerConfig, fix_text

    # Only what was broken: quotes, ligatures and wide characters are as their author wrote them.
    config = TextFixerConfig(
        unescape_html=False, fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False,
        fix_line_breaks=False, normalization=None, explain=False,
    )  # fmt: skip

    def edit(text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        return tidied(fix_text(text, config))

    return editing(edit)


def blacken(_: str, setting: Setting) -> Work:
    """Write over personal data and secrets."""
    return editing(redact)


def fill(pairs: str, setting: Setting) -> Work:
    """Write values in the place of `{{name}}` blanks: `fill=name:Ada,author:the team`.

    Raises:
        Problem: a pair has no colon.
    """
    values = {}
    for pair in pairs.split(","):
        name, colon, value = pair.partition(":")
        if not colon or not name.strip():
            raise Problem(
                f"{pair!r} is no blank with its value.",
                where=f"--apply fill={pairs}",
                do="Write fill=NAME:VALUE,…",
            )
        values[name.strip()] = value
    blank = re.compile(r"\{\{\s*(" + "|".join(map(re.escape, values)) + r")\s*\}\}")
    return editing(
        lambda text: blank.sub(lambda found: values[found.group(1)], text) if "{{" in text else text
    )


def _deep(value: Any, edit: Edit) -> Any:
    if isinstance(value, str):
        return edit(value)
    if isinstance(value, list):
        return [_deep(item, edit) for item in value]
    if isinstance(value, dict):
        return {name: _deep(item, edit) for name, item in value.items()}
    return value
