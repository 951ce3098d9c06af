"""Tokens that steer a model, written out in the middle of a conversation."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import around
from engine.data.checks.seen import Seen
from engine.data.shapes import Chat

_ANGLED: Final = re.compile(
    r"<(?:\|[a-z][a-z0-9_▁]{1,40}\|>"  # ChatML, Llama 3, Phi, GPT-2 and many more
    r"|｜[^｜<>\n]{1,40}｜>"  # DeepSeek
    r"|/?s>|</?SYS>>"  # Llama 2
    r"|(?:start|end)_of_turn>|[be]os>|pad>(?:<pad>)+|unk>|sop>|eop>)"  # Gemma, GLM
)
_SQUARE: Final = re.compile(
    r"\[(?:/?INST|TOOL_CALLS|/?AVAILABLE_TOOLS|/?TOOL_RESULTS|/?SYSTEM_PROMPT|gMASK)\]"  # Mistral, GLM
)
_STRUCK: Final = re.compile(r"<s>[^<]*</s>")
"""HTML's text that is struck out."""
_LETTER: Final = re.compile(r"(?<=.)<s>")
"""A letter in brackets, as manuals write what a user has to fill in; the token begins a text."""


def _look(seen: Seen) -> str:
    if not isinstance(seen.example, Chat):
        return ""  # texts and completions may be written in a model's own format
    return special_token(seen.answer) or special_token(seen.prompt)


def special_token(text: str) -> str:
    """A token of any model that `text` holds, with what stands around it; empty without one."""
    found = _ANGLED.search(text) if "<" in text else None
    if found is not None and found.group() in ("<s>", "</s>"):
        text = _STRUCK.sub("", text) if "</s>" in text else _LETTER.sub("", text)
        found = _ANGLED.search(text)
    if found is None and "[" in text:
        found = _SQUARE.search(text)
    return around(text, found.start(), found.end()) if found else ""


SPECIAL_TOKENS: Final = RowCheck(
    name="special_token",
    category="template_or_special_tokens",
    severity="warning",
    title="have special tokens in the middle of their texts",
    cause="The data was formatted for a model once before; its template puts such tokens in a second time.",
    remedy="Take the tokens out of the texts, or leave these rows out.",
    look=_look,
)
