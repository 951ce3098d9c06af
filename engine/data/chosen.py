"""A chat template that a recipe chooses in place of the model's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from engine.data.refusal import Refusal
from engine.data.shapes import Chat
from engine.data.template import LONGEST_SOURCE, ChatTemplate
from engine.templates.registry import NAMES, is_file, source_of
from engine.text import one_line

_PREFIX: Final = "{{ tokenizer_prefix }}"
"""Stands in a named template where its makers' tokenizers put their own first token."""
_TOKEN: Final = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>|<[a-z]+_of_[a-z]+>|\[[A-Z_]{3,20}\]")
"""What templates mean as one token."""
_ANSWER: Final = "openlora answer"
_ASKED: Final = Chat(
    [{"role": "user", "content": "openlora question"}, {"role": "assistant", "content": _ANSWER}]
)
_MISSING: Final = re.compile(r"'((?:bos|eos|unk|pad)_token)' is undefined")


class Chosen(NamedTuple):
    """The template, and how it goes with a tokenizer."""

    template: ChatTemplate
    stop: int | None
    """The id of the token that it puts behind an answer, None where it puts none."""
    fault: Refusal | None
    """Why conversations cannot be learnt with it and this tokenizer."""


def chosen(
    name: str,
    tokens: dict[str, str],
    prefix: str,
    id_of: Callable[[str], int | None],
    day: date | None,
) -> Chosen:
    """The template called `name`, or of that file.

    Args:
        name: as the recipe has it, a file's path absolute.
        tokens: special tokens by the names that templates use.
        prefix: the text of what the tokenizer puts before each text.
        id_of: the id of a token by its text, None where the vocabulary lacks it.
        day: as `ChatTemplate` takes it.

    Raises:
        Refusal: there is no such template, or it cannot be used at all.
    """
    source = _source(name).replace(_PREFIX, "{{ " + json.dumps(prefix) + " }}" if prefix else "")
    template = ChatTemplate(source, tokens, day, f"The chat template {one_line(name, 80)}")
    try:
        written = template.render(_ASKED)
    except Refusal as refusal:
        missing = _MISSING.search(refusal.why)
        return Chosen(template, None, _lacks(name, missing[1]) if missing else None)
    tail = written[written.rfind(_ANSWER) + len(_ANSWER) :].lstrip() if _ANSWER in written else ""
    mark = _TOKEN.match(tail)
    end = mark[0] if mark else tokens.get("eos_token", "")
    if not end or not tail.startswith(end):
        return Chosen(template, None, None)
    stop = id_of(end)
    return Chosen(template, stop, _split(name, end) if stop is None else None)


def _source(name: str) -> str:
    source = _text(Path(name)) if is_file(name) else source_of(name)
    if source is None:
        raise Refusal(
            "template_or_special_tokens",
            f"There is no chat template {one_line(name, 80)!r}.",
            where="chat_template",
            do=f"Name one of: {', '.join(NAMES)}; or a file, such as ./mine.jinja.",
        )
    return source


def _text(file: Path) -> str:
    try:
        with file.expanduser().open("rb") as opened:
            return opened.read(4 * LONGEST_SOURCE + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "It is no UTF-8 text"
        raise Refusal(
            "template_or_special_tokens",
            "The chat template cannot be read.",
            where=str(file),
            why=f"{why or error}.",
            do="Name a file with a Jinja template, or leave chat_template out.",
        ) from None


def _lacks(name: str, token: str) -> Refusal:
    return Refusal(
        "template_or_special_tokens",
        f"The chat template {one_line(name, 80)} needs {token}, and this tokenizer has none.",
        where="chat_template",
        why="It was made for other models.",
        do=f"Leave chat_template out, or name the {token} in the model's tokenizer_config.json.",
    )


def _split(name: str, token: str) -> Refusal:
    named, end = one_line(name, 80), one_line(token, 40)
    return Refusal(
        "template_or_special_tokens",
        f"The chat template {named} ends answers with {end}, which is no token of this tokenizer.",
        where="chat_template",
        why="It would be split into pieces: the model would learn to spell it, and nothing would stop there.",
        do="Choose the template that the model was made for, or one without tokens of its own: alpaca.",
    )
