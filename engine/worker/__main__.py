"""A worker process: `python -m engine.worker FOLDER --device D`, or `--spare NAME` to import and wait."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

_PATIENCE: Final = 5.0


def main() -> int:
    """Do one job and say how it ended by the exit status: 0 done, 1 failed, 75 to be resumed."""
    parser = argparse.ArgumentParser(prog="openlora worker")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--spare", metavar="NAME")
    words = parser.parse_args()
    if words.spare:
        return _wait_for_job(words.spare)
    from engine.worker.work import work

    return work(words.folder.absolute(), words.device, spare=False)


def _wait_for_job(name: str) -> int:
    """Import what every job needs, then poll for one; leave when the engine has gone."""
    import engine.train.loop  # noqa: F401
    from engine import bus, paths
    from engine import messages as m
    from engine.worker.work import become, work

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
                become(message.context, Path(message.folder))
                return work(Path(message.folder), message.device, spare=True)
        time.sleep(0.1)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # CUDA and thread pools can crash or hang in interpreter shutdown, after all is written.
    os._exit(status)
