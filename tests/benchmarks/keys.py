"""From a key to the first byte of its answer, while other processes hold every core."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from typing import Final

from tests.benchmarks.scene import home, live_run
from tests.terminal import Terminal

TITLE: Final = "Key to paint, every core busy (bar: 95th percentile under 60 ms)"
_BURN: Final = "import torch\na = torch.rand(1024, 1024)\nwhile True: a = (a @ a).clamp(-1, 1)"
_KEYS: Final = 60


def measure() -> None:
    """Sixty keys on Train with a run at 10 steps a second, first idle, then beside torch on all cores."""
    print("| machine | median | 95th percentile | slowest |\n|---|---|---|---|")
    with home() as root, live_run(root, 500, 10):
        with Terminal([sys.executable, "-m", "openlora_tui.start"], 120, 36) as terminal:
            terminal.until("wire")
            terminal.press("\r")
            terminal.until("loss")
            terminal.pump(2)
            print(_row("otherwise idle", _latencies(terminal)))
            burner = subprocess.Popen([sys.executable, "-c", _BURN])
            terminal.pump(6)
            print(_row(f"{os.cpu_count()} cores busy", _latencies(terminal)))
            burner.kill()
            burner.wait()


def _latencies(terminal: Terminal) -> list[float]:
    """Open and close the help, whose answer is never late news of the run: it changes the screen at once."""
    found = []
    for index in range(_KEYS):
        terminal.pump(0.13)
        found.append(terminal.answer("?" if index % 2 == 0 else "\x1b\x1b") * 1000)
    return found


def _row(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    slow = ordered[int(len(ordered) * 0.95) - 1]
    return f"| {name} | {statistics.median(ordered):.0f} ms | {slow:.0f} ms | {ordered[-1]:.0f} ms |"
