"""`openlora engine`: the process behind the runs, which mostly starts and leaves by itself."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Final

from engine import bus, paths
from engine import messages as m

HELP: Final = "keep the engine running (--stay), or ask it to leave (--stop)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--stay", action="store_true", help="serve here until stopped, even when nothing runs")
    group.add_argument("--stop", action="store_true", help="ask the engine to leave; runs go on without it")


def run(args: argparse.Namespace) -> int:
    """Become the engine, or end it."""
    if args.stay:
        os.environ["OPENLORA_HOME"] = str(paths.home())
        os.execv(sys.executable, [sys.executable, "-P", "-m", "engine.server", "--stay"])
    return _stop()


def _stop() -> int:
    root = paths.home()
    try:
        bus.connect(root).exchange("leave", [m.encode(m.Leave(front="leave"))])
    except bus.LOST:
        print("no engine runs", file=sys.stderr)
        return 0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            bus.connect(root)
        except bus.LOST:
            break
        time.sleep(0.05)
    print("the engine left; runs go on", file=sys.stderr)
    return 0
