"""Looks at everything at once, and waits for nothing for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from engine.doctor import hub, login, machine, python, runs, storage, terminal, tmux, training
from engine.doctor.check import Check, warning

Look = Callable[[], Iterable[Check]]

LOOKS: Final[tuple[tuple[str, Look], ...]] = (
    ("OpenLoRA", python.look),
    ("Machine", machine.look),
    ("Storage", storage.look),
    ("Models", hub.look),
    ("Runs", runs.look),
    ("Leaving", login.look),
    ("Terminal", terminal.look),
    ("tmux", tmux.look),
    ("Training", training.look),
)
"""In the order in which they are told: the slow one last, where the eye is when all is said."""
PATIENCE: Final = 30.0
"""Seconds for a group as a whole; what is in it has shorter limits of its own."""


def examine(looks: Iterable[tuple[str, Look]] = LOOKS, seconds: float = PATIENCE) -> Iterator[list[Check]]:
    """The checks of each group as soon as it and those before it are done.

    A group that breaks or does not end, as a dead network file system makes it, becomes a warning
    after what it has found so far.
    """
    groups = [_Group(title, look) for title, look in looks]
    end = time.monotonic() + seconds
    for group in groups:
        yield group.wait(end, seconds)


class _Group:
    """One look in a thread of its own, which the process does not wait for when it ends."""

    def __init__(self, title: str, look: Look) -> None:
        self._title = title
        self._look = look
        self._found: list[Check] = []
        self._thread = threading.Thread(target=self._run, name=title, daemon=True)
        self._thread.start()

    def wait(self, end: float, seconds: float) -> list[Check]:
        """What was found by `end` on the monotonic clock."""
        self._thread.join(max(end - time.monotonic(), 0))
        found = list(self._found)
        if self._thread.is_alive():
            said = f"not looked at to the end: something did not answer in {seconds:.0f} s"
            found.append(warning("time", said, "A network file system or a driver may hang; try again."))
        return [msgspec.structs.replace(check, group=self._title) for check in found]

    def _run(self) -> None:
        try:
            for check in self._look():
                self._found.append(check)
        except Exception as error:  # a check must never keep the others from being told
            said = f"not looked at to the end: {type(error).__name__}: {error}"
            self._found.append(warning("doctor", said, "Please report it; the other lines still count."))
