"""Recognises the shape of rows by their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from engine.data.row import Row
from engine.data.shapes.example import Example
from engine.data.shapes.plain import (
    LABELS,
    classification,
    document,
    instruction,
    label_column,
    pair,
    question,
)
from engine.data.shapes.preferences import judged, preference, verdict
from engine.data.shapes.turns import TURN_COLUMNS, conversation
from engine.mapping.path import opened

Shape = Literal[
    "text",
    "prompt_completion",
    "alpaca",
    "sharegpt",
    "messages",
    "question_answer",
    "classification",
    "preference",
    "kto",
]
SHAPES: Final[dict[Shape, str]] = {
    "messages": "messages, a list of {role, content}",
    "sharegpt": "conversations, a list of {from, value}",
    "alpaca": "instruction and output, with input, system and history if you like",
    "prompt_completion": "prompt and completion",
    "question_answer": "question and answer or answers, with context if you like",
    "classification": "text and label",
    "text": "text",
    "preference": "chosen and rejected, with prompt",
    "kto": "prompt, completion and label (true or false)",
}
PREFERENCES: Final[tuple[Shape, ...]] = ("preference", "kto")
"""Shapes of which `auto` learns nothing, because one side of them must not be learnt."""
CHATS: Final[frozenset[Shape]] = frozenset(
    {"alpaca", "sharegpt", "messages", "question_answer", "classification", "preference", "kto"}
)
_TURNS: Final = frozenset({*TURN_COLUMNS, "tools", "functions", "system"})
_USES: Final[dict[Shape, frozenset[str]]] = {
    "messages": _TURNS,
    "sharegpt": _TURNS,
    "alpaca": frozenset({"instruction", "input", "context", "output", "response", "system", "history"}),
    "prompt_completion": frozenset({"prompt", "completion"}),
    "question_answer": frozenset({"question", "answer", "answers", "context", "system"}),
    "classification": frozenset({"text", "system", *LABELS}),
    "text": frozenset({"text"}),
    "preference": _TURNS | {"prompt", "question", "instruction", "input", "context", "chosen", "rejected"},
    "kto": _TURNS | {"prompt", "completion", "label", "kto_tag"},
}
_READ: Final[dict[Shape, Callable[[Row], Example | None]]] = {
    "text": document,
    "prompt_completion": pair,
    "alpaca": instruction,
    "sharegpt": conversation,
    "messages": conversation,
    "question_answer": question,
    "classification": classification,
    "preference": preference,
    "kto": judged,
}


def fitting(values: dict[str, Any]) -> list[Shape]:
    """The shapes that these columns fit, the likeliest first."""
    columns = values.keys()
    if {"chosen", "rejected"} <= columns:
        return ["preference"]
    found: list[Shape] = []
    turns = next((name for name in TURN_COLUMNS if name in columns), None)
    if turns is not None:
        kind = _kind_of_turns(turns, values[turns])
        judged_turns = "kto_tag" in columns or isinstance(values.get("label"), bool)
        found += ["kto" if judged_turns else kind] if kind else []
    if "instruction" in columns and columns & {"output", "response"}:
        found.append("alpaca")
    if {"prompt", "completion"} <= columns:
        found.append("kto" if verdict(values) is not None else "prompt_completion")
    if "question" in columns and columns & {"answer", "answers"}:
        found.append("question_answer")
    if "text" in columns:
        found += ["classification", "text"] if label_column(values) is not None else ["text"]
    return found


def shape_of_most(rows: Iterable[dict[str, Any]], wanted: str = "auto") -> Shape | None:
    """The shape that most of these rows fit; `wanted` where any of them fits that. None where none fits."""
    found = [
        fits(values, wanted) if wanted != "auto" else next(iter(fitting(values)), None) for values in rows
    ]
    counts = Counter(shape for shape in found if shape is not None)
    return counts.most_common(1)[0][0] if counts else None


def fits(values: dict[str, Any], wanted: str) -> Shape | None:
    """The shape called `wanted` where these columns can be read so, though another may be likelier."""
    found = fitting(values)
    if wanted == "prompt_completion" and "kto" in found and {"prompt", "completion"} <= values.keys():
        return "prompt_completion"
    if wanted == "kto" and "prompt_completion" in found and verdict(values) is not None:
        return "kto"
    return next((shape for shape in found if shape == wanted), None)


def example_of(row: Row, shape: Shape) -> Example | None:
    """`row` read as `shape`, or None where its answer is empty and there is nothing to learn.

    Raises:
        Refusal: a column is missing or holds something else than it should.
    """
    return _READ[shape](row)


def unused_columns(row: Row, shape: Shape) -> list[str]:
    """Columns of `row` that nothing is learnt from."""
    return [name for name in row.values if name not in _USES[shape]]


def _kind_of_turns(name: str, value: object) -> Shape | None:
    turns = opened(value) if isinstance(value, str) else value
    first = turns[0] if isinstance(turns, list) and turns else None
    if isinstance(first, dict):
        return "messages" if "role" in first else "sharegpt" if "from" in first else None
    if first is not None or (isinstance(turns, str) and turns.strip()):
        return None
    return "messages" if name == "messages" else "sharegpt"
