"""Reads rows of a few texts: documents, pairs, questions, instructions, classes."""

from __future__ import annotations

from typing import Any, Final

from engine.data.row import Row
from engine.data.shapes.example import Document, Example, Pair
from engine.data.shapes.turns import chat, exchange, system_of, turns_of
from engine.data.shapes.values import bad, checked, first_of, text_of
from engine.mapping.path import opened

LABELS: Final = ("label_text", "label_name", "label", "labels", "category", "class", "intent", "sentiment")
_LABEL: Final = 100
"""Characters of the longest name of a class that is taken for one."""


def document(row: Row) -> Example | None:
    """A text that is learnt whole."""
    text = text_of(row, "text")
    return Document(text) if text.strip() else None


def pair(row: Row) -> Example | None:
    """A prompt and a completion as they stand; two lists of turns are a conversation."""
    prompt, completion = row.values.get("prompt"), row.values.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        turns = turns_of(row, "prompt", prompt)
        return chat(row, [*turns, *turns_of(row, "completion", completion)])
    text = text_of(row, "completion")
    return Pair(text_of(row, "prompt"), text) if text.strip() else None


def question(row: Row) -> Example | None:
    """A question, below its context if it has one, and the first of its answers."""
    asked = [first_of(row, "context"), text_of(row, "question")]
    return exchange(row, system_of(row), _joined(asked), _answer(row))


def instruction(row: Row) -> Example | None:
    """An Alpaca row: instruction and input, what was said before, and the output."""
    extra = first_of(row, "input", "context")
    before = system_of(row)
    history = opened(row.values.get("history")) or []
    if not isinstance(history, list) or not all(isinstance(h, list) and len(h) == 2 for h in history):
        raise bad(row, "history", "a list of [question, answer] pairs")
    for said, answered in history:
        before.append({"role": "user", "content": checked(row, "history", said)})
        before.append({"role": "assistant", "content": checked(row, "history", answered)})
    asked = text_of(row, "instruction")
    output = text_of(row, "output" if "output" in row.values else "response")
    found = exchange(row, before, _joined([asked, extra]), output)
    if found is not None:
        # For templates that write the two apart, as Alpaca's own does.
        found.messages[-2].update(instruction=asked, input=extra)
    return found


def classification(row: Row) -> Example | None:
    """A text and the name of its class."""
    name = label_column(row.values)
    if name is None:
        raise bad(row, "label", "there, and short")
    value = row.values[name]
    names = value if isinstance(value, list) else [value]
    label = ", ".join(str(item) if isinstance(item, bool) else checked(row, name, item) for item in names)
    return exchange(row, system_of(row), text_of(row, "text"), label)


def label_column(values: dict[str, Any]) -> str | None:
    """The column that names the class of a text: the first that is called so and holds something short."""
    return next((name for name in LABELS if name in values and _is_label(values[name])), None)


def _is_label(value: object) -> bool:
    if isinstance(value, list):
        return len(value) < _LABEL and all(isinstance(item, str | int) and _is_label(item) for item in value)
    if isinstance(value, float):
        return value.is_integer()
    if isinstance(value, str):
        return len(value) <= _LABEL and "\n" not in value.strip()
    return value is None or isinstance(value, int)


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part.strip())


def _inner(value: Any) -> Any:
    """The text of an answer that is an object."""
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in ("text", "answer", "value") if name in value), value)


def _answer(row: Row) -> str:
    """The answer, or the first of several, as SQuAD has them."""
    name = "answer" if "answer" in row.values else "answers"
    value = row.values.get(name)
    if isinstance(value, str) and name == "answers":
        value = opened(value)
    value = _inner(value)
    if isinstance(value, list):
        value = _inner(value[0]) if value else None
    return checked(row, name, value) if name in row.values else text_of(row, "answer")
