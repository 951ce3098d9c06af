"""Bytes a second to the terminal: idle, and while a run trains, early and at step 1,000,000."""

from __future__ import annotations

import sys
from typing import Final

from tests.benchmarks.scene import home, live_run
from tests.terminal import Terminal

TITLE: Final = "Bytes to the terminal (bar: idle 0; training 10 kB/s at 80x24, 25 kB/s at 200x50)"
_SECONDS: Final = 20.0
_SIZES: Final = ((80, 24), (200, 50))


def measure() -> None:
    """Twenty seconds each on the screen that a person would look at; the run does 10 steps a second."""
    print("| screen | idle on Runs | training, step 100 | training, step 1,000,000 |\n|---|---|---|---|")
    for columns, rows in _SIZES:
        cells = [f"{_idle(columns, rows):,.0f} B/s"]
        cells += [f"{_training(columns, rows, past):,.0f} B/s" for past in (100, 1_000_000)]
        print(f"| {columns}x{rows} | {' | '.join(cells)} |", flush=True)


def _idle(columns: int, rows: int) -> float:
    with home(), Terminal([sys.executable, "-m", "openlora_tui.start"], columns, rows) as terminal:
        terminal.until("Runs")
        terminal.pump(15)
        return terminal.pump(_SECONDS) / _SECONDS


def _training(columns: int, rows: int, past: int) -> float:
    with home() as root, live_run(root, past, 10):
        with Terminal([sys.executable, "-m", "openlora_tui.start"], columns, rows) as terminal:
            terminal.until("wire", 120)
            terminal.press("\r")
            terminal.until("loss", 60)
            terminal.pump(4)
            return terminal.pump(_SECONDS) / _SECONDS
