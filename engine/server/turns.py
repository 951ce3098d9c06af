"""Who is listened to next: everyone in turn, and what is answered at once before what takes its time."""

from __future__ import annotations

from collections import deque
from typing import Final

from engine import messages as m

_SLOW: Final = (m.Submit, m.Begin)
"""A run has its recipe read and its files written, which takes about 20 ms; a side job a process."""


class Turns:
    """Messages that wait, by sender; those of one sender stay in their order."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[m.ToEngine | m.Strange]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, message: m.ToEngine | m.Strange) -> None:
        """One more message."""
        sender = message.side if isinstance(message, m.Said | m.Ended) else message.front
        self._waiting.setdefault(sender, deque()).append(message)
        self._count += 1

    def next(self) -> m.ToEngine | m.Strange | None:
        """The message whose turn it is; its sender goes to the end of the line."""
        quick = (sender for sender, own in self._waiting.items() if not isinstance(own[0], _SLOW))
        sender = next(quick, None) or next(iter(self._waiting), None)
        if sender is None:
            return None
        own = self._waiting.pop(sender)
        message = own.popleft()
        if own:
            self._waiting[sender] = own
        self._count -= 1
        return message
