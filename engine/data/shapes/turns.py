"""Reads lists of turns: ShareGPT, OpenAI messages with tools, and what else is written as turns."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes.example import Chat, Example, is_learnt
from engine.data.shapes.values import bad, checked, list_of, text_of
from engine.mapping.names import ROLES
from engine.mapping.path import opened
from engine.text import one_line

TURN_COLUMNS: Final = ("messages", "conversations", "conversation")
_TEXTS: Final = ("text", "input_text", "output_text")
_CALLS: Final = frozenset({"function_call", "tool_call"})


def conversation(row: Row) -> Example | None:
    """The turns of a row, of either kind."""
    return chat(row, turns_in(row))


def turns_in(row: Row) -> list[dict[str, Any]]:
    """The turns in the first column that has some.

    Raises:
        Refusal: there is none.
    """
    for name in TURN_COLUMNS:
        found = list_of(row, name)
        if found is not None:
            return turns_of(row, name, found)
    raise bad(row, "messages or conversations", "a list of turns")


def turns_of(row: Row, name: str, items: list[Any]) -> list[dict[str, Any]]:
    """Items of the column `name` as turns: `{role, content}` or `{from, value}`."""
    return [_turn(row, name, item) for item in items]


def is_turn(value: object) -> bool:
    """True for an object that says who speaks."""
    return isinstance(value, dict) and ("role" in value or "from" in value)


def chat(row: Row, messages: list[dict[str, Any]]) -> Example | None:
    """The conversation, with the row's system text and tools; None where nothing in it can be learnt."""
    if messages and messages[0]["role"] not in ("system", "developer"):
        messages = [*system_of(row), *messages]
    tools = _tools(row)
    return Chat(messages, tools) if any(map(is_learnt, messages)) else None


def exchange(row: Row, before: list[dict[str, Any]], question: str, answer: str) -> Chat | None:
    """A question and its answer as a conversation; None for an empty answer."""
    if not answer.strip():
        return None
    return Chat([*before, {"role": "user", "content": question}, {"role": "assistant", "content": answer}])


def system_of(row: Row) -> list[dict[str, Any]]:
    """The row's system text as a turn, where it has one."""
    text = text_of(row, "system", optional=True)
    return [{"role": "system", "content": text}] if text.strip() else []


def _turn(row: Row, name: str, item: object) -> dict[str, Any]:
    if not isinstance(item, dict) or not is_turn(item):
        raise bad(row, name, "a list of {role, content} or {from, value}")
    spoken = item.get("role", item.get("from"))
    role = _role(row, spoken)
    content = _content(row, item.get("content", item.get("value")))
    extra = {key: value for key, value in item.items() if key not in ("role", "from", "content", "value")}
    turn: dict[str, Any] = {**extra, "role": role, "content": content}
    if "loss_weight" in turn:
        turn["weight"] = turn.pop("loss_weight")
    if role != "assistant":
        return turn
    calls = _calls(turn.pop("function_call", None)) or _calls(turn.get("tool_calls"))
    if str(spoken).strip().lower() in _CALLS:
        calls = _calls(opened(content))
        turn["content"] = "" if calls else content
    if calls:
        turn["tool_calls"] = calls
    else:
        turn.pop("tool_calls", None)
    return turn


def _calls(value: object) -> list[dict[str, Any]]:
    """Calls as chat templates take them: the arguments an object, not a text that holds one."""
    calls = []
    for item in value if isinstance(value, list) else [value] if value else []:
        if not isinstance(item, dict):
            return []
        call = item.get("function", item)
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            return []
        arguments = opened(call.get("arguments", call.get("parameters", {})))
        kept = {"id": item["id"]} if "id" in item else {}
        calls.append({**kept, "type": "function", "function": {"name": call["name"], "arguments": arguments}})
    return calls


def _role(row: Row, role: object) -> str:
    known = ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise Refusal(
            "dataset_format",
            f"The role {one_line(repr(role), 60)} is not known.",
            where=row.where,
            do=f"Use one of: {', '.join(ROLES)}.",
        )
    return known


def _content(row: Row, content: object) -> str:
    """A turn's text, whether it stands alone or in typed parts."""
    if not isinstance(content, list):
        return checked(row, "content", content)
    parts = []
    for part in content:
        if isinstance(part, str):
            parts.append(checked(row, "content", part))
            continue
        if not isinstance(part, dict) or part.get("type", "text") not in _TEXTS:
            raise bad(row, "content", "text; pictures and sound cannot be learnt")
        parts.append(checked(row, "content", part.get("text", part.get("value"))))
    return "".join(parts)


def _tools(row: Row) -> list[Any] | None:
    """The tools as chat templates take them: functions that stand bare are wrapped."""
    tools = row.values.get("tools") or row.values.get("functions") or None
    if isinstance(tools, str):
        try:
            tools = msgspec.json.decode(tools) if tools.strip() else None
        except (msgspec.DecodeError, ValueError):
            raise bad(row, "tools", "a JSON list of tools") from None
    if not tools:
        return None
    if not isinstance(tools, list):
        raise bad(row, "tools", "a list of tools")
    return [
        {"type": "function", "function": tool} if isinstance(tool, dict) and "name" in tool else tool
        for tool in tools
    ]
