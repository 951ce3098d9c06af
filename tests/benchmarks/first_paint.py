"""How long until the first screen, beside a Textual app that shows one line."""

from __future__ import annotations

import statistics
import sys
from typing import Final

from tests.benchmarks.scene import home
from tests.terminal import Terminal, spread

TITLE: Final = "First paint (bar: at most 1.5 times a one-line Textual app)"
_ROUNDS: Final = 11
_ONE_LINE: Final = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class One(App):\n    def compose(self):\n        yield Static('one line')\nOne().run()"
)


def measure() -> None:
    """Both in turn, after one round that counts for nothing: byte code is cached, as it is for a user."""
    ours, theirs = [], []
    cached = {"PYTHONDONTWRITEBYTECODE": ""}
    for _ in range(_ROUNDS + 1):
        with Terminal([sys.executable, "-c", _ONE_LINE], env=cached) as terminal:
            theirs.append(terminal.until("one line"))
        with home(), Terminal([sys.executable, "-m", "openlora_tui.start"], env=cached) as terminal:
            ours.append(terminal.until("Runs"))
    ours, theirs = ours[1:], theirs[1:]
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print("| program | start to first screen |\n|---|---|")
    print(f"| one-line Textual app | {spread(theirs, 's')} |")
    print(f"| openlora-tui | {spread(ours, 's')} |")
    print(f"\nratio, pair by pair: **{ratio:.2f}**")
