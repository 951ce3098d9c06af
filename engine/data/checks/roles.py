"""Turns in an order that no conversation has."""

from __future__ import annotations

from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.seen import Seen
from engine.data.shapes import Chat

_BEHIND: Final = {
    "system": {"", "system"},
    "user": {"", "system", "assistant", "tool"},
    "assistant": {"user", "tool"},
    "tool": {"assistant", "tool"},
}
"""Behind whose turns a turn may stand; "" is the beginning. A developer's turn is one of system."""


def _look(seen: Seen) -> str:
    if not isinstance(seen.example, Chat):
        return ""
    before = ""
    for number, turn in enumerate(seen.example.messages, 1):
        role = "system" if turn["role"] == "developer" else turn["role"]
        if before not in _BEHIND.get(role, ()):
            return f"turn {number} is of {role}, " + (f"behind one of {before}" if before else "the first")
        before = role
    return ""


ROLES: Final = RowCheck(
    name="roles",
    category="template_or_special_tokens",
    severity="warning",
    title="have turns out of order",
    cause="Two turns of one side follow each other, or a system or tool turn stands where none belongs.",
    remedy="Put the turns right, or leave these rows out: many chat templates refuse them, and others write "
    "a conversation that never happens.",
    look=_look,
)
