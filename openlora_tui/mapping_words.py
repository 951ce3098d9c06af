"""The fields of a mapping as a person types them, each in one line."""

from __future__ import annotations

import json
from typing import Any, Final

FIELDS: Final[dict[str, str]] = {
    "question": "what is asked: columns between braces, such as {title}\\n\\n{body}",
    "answer": "what is learnt: columns between braces, such as {reply}",
    "system": "a system text that goes before the turns",
    "prompt": "as it stands, without a template; with completion",
    "completion": "what is learnt behind prompt",
    "text": "learnt whole",
    "filter": "rows to keep, such as lang == en and score >= 3",
    "strip": "what to take out of texts: html, quoted_replies, signatures",
    "group_by": "columns whose values the rows of one conversation share",
    "order_by": "the column by which the rows of a conversation are sorted",
    "role_column": "the column that says who speaks",
    "content": "what is said in a turn, such as {message}",
    "roles": "what that column's values mean, such as agent: assistant, *: user",
    "turns": "a list inside a row whose items are the turns",
    "each": "a list inside a row whose items are examples",
    "labels": "names for what stands in the answer, such as 0: no, 1: yes",
    "messages": 'composed turns: [{"role": "user", "content": "{title}"}]',
}
"""With what each is for."""
_LISTS: Final = ("strip", "group_by")
_PAIRS: Final = ("roles", "labels")


def typed(name: str, value: Any) -> str:
    """A field's value as one line to type into."""
    if isinstance(value, str):
        return value.replace("\n", "\\n")
    if name in _LISTS or (name == "labels" and isinstance(value, list)):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {word}" for key, word in value.items())
    return json.dumps(value, ensure_ascii=False) if value else ""


def meant(name: str, text: str) -> Any:
    """The value that a line means; what is no value stays a text, and is told of as one."""
    text = text.strip() if name not in ("question", "answer", "prompt", "completion", "text") else text
    if text.startswith(("[", "{")) and name in (*_LISTS, *_PAIRS, "messages", "filter"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if name in _PAIRS and ":" in text:
        pairs = (part.partition(":") for part in text.split(",") if part.strip())
        return {key.strip(): word.strip() for key, _, word in pairs}
    if name in _LISTS or name == "labels":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text.replace("\\n", "\n")
