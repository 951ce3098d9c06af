"""Starts the engine of `OPENLORA_HOME`, unless one runs already."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final, TextIO

from engine import bus, paths
from engine.problem import Problem
from engine.server.engine import Engine

_PATIENCE: Final = 20.0


def main() -> int:
    """Serve until nothing runs and nobody is attached; 0 also where another engine serves already."""
    parser = argparse.ArgumentParser(prog="openlora engine")
    parser.add_argument(
        "--stay", action="store_true", help="serve even when nothing runs and nobody is attached"
    )
    stay = parser.parse_args().stay
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        root = paths.home()
        lock = (paths.socket_folder() / f"{paths.engine_name(root)}.lock").open("w")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_status
    if not _only_one(root, lock):
        logging.info("another engine serves %s", root)
        return 0
    return _serve(root, stay)


def _only_one(root: Path, lock: TextIO) -> bool:
    """Take the engine's lock; one that is just leaving is waited for, one that serves is not."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
        try:
            bus.connect(root)
            return False
        except bus.LOST:
            if time.monotonic() > end:
                raise TimeoutError(
                    f"process {bus.engine_pid(root)} holds the engine's lock and is silent"
                ) from None


def _serve(root: Path, stay: bool) -> int:
    boxes = bus.Mailboxes()
    engine = Engine(root, boxes, stay=stay)
    signal.signal(signal.SIGTERM, lambda *_: engine.leave())
    signal.signal(signal.SIGINT, lambda *_: engine.leave())
    socket = bus.serve(root, boxes)
    logging.info("engine %d serves %s", os.getpid(), root)
    try:
        engine.run()
    except Exception:
        logging.exception("the engine failed; workers go on, and the next front end starts another")
        return 1
    finally:
        bus.withdraw(root, socket)
        engine.close()
    logging.info("engine %d leaves", os.getpid())
    return 0


if __name__ == "__main__":
    sys.exit(main())
