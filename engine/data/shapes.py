"""Recognises the shape of rows by their columns, and reads each row as text, a pair or a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from engine.data.refusal import Refusal
from engine.data.row import Row, listed

Shape = Literal["text", "prompt_completion", "alpaca", "sharegpt", "messages", "question_answer"]


class Document(msgspec.Struct, frozen=True):
    """Text of which every token is learnt."""

    text: str


class Pair(msgspec.Struct, frozen=True):
    """A prompt as it stands, and its completion, which alone is learnt."""

    prompt: str
    completion: str


class Chat(msgspec.Struct, frozen=True):
    """Turns as chat templates take them; the assistant's are learnt."""

    messages: list[dict[str, Any]]
    tools: list[Any] | None = None


Example = Document | Pair | Chat

ACCEPTED: Final[dict[Shape, str]] = {
    "messages": "messages, a list of {role, content}",
    "sharegpt": "conversations, a list of {from, value}",
    "alpaca": "instruction and output, with input, system and history if you like",
    "prompt_completion": "prompt and completion",
    "question_answer": "question and answer",
    "text": "text",
}
_USES: Final[dict[Shape, frozenset[str]]] = {
    "messages": frozenset({"messages", "conversations", "conversation", "tools", "system"}),
    "sharegpt": frozenset({"conversations", "conversation", "tools", "system"}),
    "alpaca": frozenset({"instruction", "input", "context", "output", "response", "system", "history"}),
    "prompt_completion": frozenset({"prompt", "completion"}),
    "question_answer": frozenset({"question", "answer"}),
    "text": frozenset({"text"}),
}
_ROLES: Final = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "function_call": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}


def shape_of(row: Row, wanted: str = "auto") -> Shape:
    """The shape of `row`: `wanted` where its columns are there, or the first that fits for `auto`.

    Raises:
        Refusal: no shape fits, with the columns found and the shapes that are understood.
    """
    found = _fitting(row.values)
    if wanted in ("auto", *found) and found:
        return found[0] if wanted == "auto" else next(shape for shape in found if shape == wanted)
    columns = listed(row.values) or "none"
    if {"chosen", "rejected"} <= set(row.values):
        why = "chosen and rejected columns hold preferences, which this trainer does not learn from."
    else:
        why = f"The columns are: {columns}."
    accepted = "; ".join(f"{shape}: {words}" for shape, words in ACCEPTED.items())
    asked = "" if wanted == "auto" else f" as {wanted}"
    raise Refusal(
        "dataset_format",
        f"The row cannot be read{asked}.",
        where=row.where,
        why=why,
        do=f"Rename the columns to one of these shapes. {accepted}.",
    )


def unused_columns(row: Row, shape: Shape) -> list[str]:
    """Columns of `row` that nothing is learnt from."""
    return [name for name in row.values if name not in _USES[shape]]


def example_of(row: Row, shape: Shape) -> Example | None:
    """`row` read as `shape`, or None where its answer is empty and there is nothing to learn.

    Raises:
        Refusal: a column is missing or holds something else than it should.
    """
    return _READ[shape](row)


def _fitting(values: dict[str, Any]) -> list[Shape]:
    columns = set(values)
    found: list[Shape] = []
    if columns & {"chosen", "rejected"}:
        return found
    turns = values.get("messages") or values.get("conversations") or values.get("conversation")
    first = turns[0] if isinstance(turns, list) and turns else None
    if isinstance(first, dict):
        found += ["sharegpt"] if "from" in first else ["messages"] if "role" in first else []
    elif "messages" in columns or columns & {"conversations", "conversation"}:
        found.append("messages" if "messages" in columns else "sharegpt")
    if "instruction" in columns and columns & {"output", "response"}:
        found.append("alpaca")
    if {"prompt", "completion"} <= columns:
        found.append("prompt_completion")
    if {"question", "answer"} <= columns:
        found.append("question_answer")
    if "text" in columns:
        found.append("text")
    return found


def _document(row: Row) -> Example | None:
    text = _text(row, "text")
    return Document(text) if text.strip() else None


def _pair(row: Row) -> Example | None:
    prompt, completion = row.values.get("prompt"), row.values.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        return _chat(row, [*_turns(row, prompt), *_turns(row, completion)])
    text = _text(row, "completion")
    return Pair(_text(row, "prompt"), text) if text.strip() else None


def _question(row: Row) -> Example | None:
    return _exchange(row, [], _text(row, "question"), _text(row, "answer"))


def _alpaca(row: Row) -> Example | None:
    extra = _text(row, "input" if "input" in row.values else "context", optional=True)
    instruction = _text(row, "instruction")
    question = "\n\n".join(part for part in (instruction, extra) if part.strip())
    before = _system(row)
    history = row.values.get("history") or []
    if not isinstance(history, list) or not all(isinstance(h, list) and len(h) == 2 for h in history):
        raise _bad(row, "history", "a list of [question, answer] pairs")
    for asked, answered in history:
        before.append({"role": "user", "content": _checked(row, "history", asked)})
        before.append({"role": "assistant", "content": _checked(row, "history", answered)})
    found = _exchange(row, before, question, _text(row, "output" if "output" in row.values else "response"))
    if found is not None:
        # For templates that write the two apart, as Alpaca's own does.
        found.messages[-2].update(instruction=instruction, input=extra)
    return found


def _sharegpt(row: Row) -> Example | None:
    name, turns = _turn_column(row)
    messages = []
    for turn in turns:
        if not isinstance(turn, dict) or "from" not in turn or "value" not in turn:
            raise _bad(row, name, "a list of {from, value}")
        messages.append({"role": _role(row, turn["from"]), "content": _checked(row, name, turn["value"])})
    return _chat(row, messages)


def _messages(row: Row) -> Example | None:
    return _chat(row, _turns(row, _turn_column(row)[1]))


def _turn_column(row: Row) -> tuple[str, list[Any]]:
    for name in ("messages", "conversations", "conversation"):
        turns = row.values.get(name)
        if isinstance(turns, list):
            return name, turns
    raise _bad(row, "messages or conversations", "a list of turns")


def _turns(row: Row, turns: list[Any]) -> list[dict[str, Any]]:
    messages = []
    for turn in turns:
        if not isinstance(turn, dict) or "role" not in turn:
            raise _bad(row, "messages", "a list of {role, content}")
        content = _content(row, turn.get("content"))
        messages.append({**turn, "role": _role(row, turn["role"]), "content": content})
    return messages


def _content(row: Row, content: object) -> str:
    """A turn's text, whether it stands alone or in typed parts."""
    if not isinstance(content, list):
        return _checked(row, "content", content)
    parts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type", "text") != "text":
            raise _bad(row, "content", "text; pictures and sound cannot be learnt")
        parts.append(_checked(row, "content", part.get("text", part.get("value"))))
    return "".join(parts)


def _chat(row: Row, messages: list[dict[str, Any]]) -> Example | None:
    tools = row.values.get("tools") or None
    if isinstance(tools, str):
        try:
            tools = msgspec.json.decode(tools)
        except (msgspec.DecodeError, ValueError):
            raise _bad(row, "tools", "a JSON list of tools") from None
    if tools is not None and not isinstance(tools, list):
        raise _bad(row, "tools", "a list of tools")
    if messages and messages[0]["role"] not in ("system", "developer"):
        messages = [*_system(row), *messages]
    learnt = any(m["role"] == "assistant" and (m["content"].strip() or m.get("tool_calls")) for m in messages)
    return Chat(messages, tools or None) if learnt else None


def _exchange(row: Row, before: list[dict[str, Any]], question: str, answer: str) -> Chat | None:
    if not answer.strip():
        return None
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return Chat([*before, *turns])


def _system(row: Row) -> list[dict[str, Any]]:
    text = _text(row, "system", optional=True)
    return [{"role": "system", "content": text}] if text.strip() else []


def _role(row: Row, role: object) -> str:
    known = _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise Refusal(
            "dataset_format",
            f"The role {role!r} is not known.",
            where=row.where,
            do=f"Use one of: {', '.join(_ROLES)}.",
        )
    return known


def _text(row: Row, name: str, *, optional: bool = False) -> str:
    if name not in row.values and not optional:
        raise Refusal(
            "dataset_format",
            f"The row has no column {name}.",
            where=row.where,
            why=f"Its columns are: {', '.join(row.values) or 'none'}; the first row of the file has {name}.",
            do="Give every row of a file the same columns.",
        )
    return _checked(row, name, row.values.get(name))


def _checked(row: Row, name: str, value: object) -> str:
    """`value` as text that has a UTF-8 form; null is the empty text, a number its digits."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _bad(row, name, "a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal(
            "dataset_encoding_or_parse",
            f"The column {name} holds half of a character.",
            where=row.where,
            why="An escape such as \\ud83d stands alone; it is only the first half of a pair.",
            do="Write the whole character, or remove the escape.",
        ) from None
    return value


def _bad(row: Row, name: str, wanted: str) -> Refusal:
    return Refusal(
        "dataset_format", f"The column {name} has to be {wanted}.", where=row.where, do="Mend this row."
    )


_READ: Final[dict[Shape, Callable[[Row], Example | None]]] = {
    "text": _document,
    "prompt_completion": _pair,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "messages": _messages,
    "question_answer": _question,
}
