"""A worker process: works on a run in FOLDER, or waits for a job (`--spare` with everything imported)."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Final

from engine.secrets import keep_from_console
from engine.worker.console import outlive_full_disk
from engine.worker.nodes import Node, node_in

_PATIENCE: Final = 5.0
_PERIOD: Final = 0.05
_SPARE: Final = ("engine.worker.work", "engine.worker.become", "engine.worker.side", "engine.train.loop",
                 "engine.chat.serve", "engine.starter.serve", "engine.starter.make")  # fmt: skip
"""All that a spare may need: an upgrade may replace the files before it gets its job."""


def main() -> int:
    """Do one job and say how it ended by the exit status: 0 done, 1 failed, 75 to be resumed."""
    parser = argparse.ArgumentParser(prog="openlora worker")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--node", type=node_in, default=Node(), help="this machine among those that share a run"
    )
    parser.add_argument("--rank", type=int, help="one of the processes that share a run")
    parser.add_argument("--fetch", action="store_true", help="fetch the run's model, and leave")
    parser.add_argument("--spare", metavar="NAME")
    parser.add_argument("--side", metavar="NAME")
    words = parser.parse_args()
    outlive_full_disk()
    keep_from_console()
    if words.spare:
        for name in _SPARE:
            importlib.import_module(name)
        return _wait_for_job(words.spare)
    if words.side:
        return _wait_for_job(words.side)
    from engine.events import HUB
    from engine.worker.work import work, work_as_rank

    if words.rank is not None:
        return work_as_rank(words.folder.absolute(), words.device, words.rank)
    return work(words.folder.absolute(), HUB if words.fetch else words.device, spare=False, node=words.node)


def _wait_for_job(name: str) -> int:
    """Poll for a job; leave when the engine has gone."""
    from engine import bus, paths
    from engine import messages as m
    from engine.worker.become import become

    root = paths.home()
    boxes, heard = None, time.monotonic()
    while time.monotonic() - heard < _PATIENCE:
        try:
            boxes = boxes or bus.connect(root)
            came = boxes.take(name)
            heard = time.monotonic()
        except bus.LOST:
            boxes, came = None, []
        for message in map(m.to_worker, came):
            if isinstance(message, m.Assign):
                from engine.worker.work import work

                become(message.context, Path(message.folder) / "console.log")
                return work(Path(message.folder), message.device, spare=True)
            if isinstance(message, m.Serve):
                from engine.worker.side import serve_side

                become(message.context, Path(message.console))
                return serve_side(message, boxes)
        time.sleep(_PERIOD)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # CUDA and thread pools can crash or hang in interpreter shutdown, after all is written.
    os._exit(status)
