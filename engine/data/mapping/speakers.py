"""Who speaks in a turn, and turns that follow each other made into a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.mapping.names import SPEAKERS
from engine.text import one_line


class Speakers:
    """The roles of a mapping; those of the usual words where it says nothing."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        self._roles = {value.strip().lower(): role for value, role in roles.items()}

    def role(self, word: str, row: Row) -> str:
        """`user`, `assistant`, `system`, `tool` or `skip`.

        Raises:
            Refusal: nobody said what the word means.
        """
        name = word.strip().lower()
        known = self._roles.get(name) or self._roles.get("*") or SPEAKERS.get(name)
        if known is None:
            raise Refusal(
                "dataset_format",
                f"Nobody says which role {one_line(repr(word), 60)} has.",
                where=row.where,
                why="The mapping's `roles` do not name it, and it is none of the usual words.",
                do="Add it to mapping.roles as user, assistant, system or skip.",
            )
        return known


def merged(turns: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Roles and texts as turns: empty ones go, and what one role says in a row is one turn.

    An empty role takes turns with the one before: user first, then assistant.
    """
    found: list[dict[str, Any]] = []
    for role, text in turns:
        if role == "skip" or not text.strip():
            continue
        last = found[-1]["role"] if found else ""
        if not role:
            found.append({"role": "assistant" if last == "user" else "user", "content": text})
        elif role == last and role != "tool":
            found[-1]["content"] += f"\n\n{text}"
        else:
            found.append({"role": role, "content": text})
    return found
