"""Starts the engine of `OPENLORA_HOME`, unless one runs already."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from engine import bus, paths
from engine.alone import Alone, holder
from engine.client.silence import FORCE, stopped, why_silent
from engine.problem import WORK_FAILED, Problem
from engine.secrets import keep_from_console
from engine.server.address import Address
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
    keep_from_console()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        root = paths.home()
        alone = Alone(root)
        if not _only_one(root, alone):
            logging.info("another engine serves %s", root)
            return 0
        return _serve(root, stay)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return problem.exit_status


def _only_one(root: Path, alone: Alone) -> bool:
    """Take the engine's locks; one that is just leaving is waited for, one that serves is not.

    Raises:
        Problem: another process holds them and cannot be reached.
    """
    end = time.monotonic() + _PATIENCE
    while not alone.take():
        try:
            bus.connect(root)
            return False
        except bus.LOST:
            time.sleep(0.05)
        pid = holder(root)
        if time.monotonic() > end or (pid is not None and stopped(pid)):
            raise Problem(
                "Another process is the engine of this home.",
                where=str(root),
                why=why_silent(pid),
                do=FORCE,
                exit_status=WORK_FAILED,
            )
    return True


def _serve(root: Path, stay: bool) -> int:
    boxes = bus.Mailboxes()
    address = Address(root, boxes)
    try:
        engine = Engine(root, boxes, address, stay=stay)
        signal.signal(signal.SIGTERM, lambda *_: engine.leave())
        signal.signal(signal.SIGINT, lambda *_: engine.leave())
        logging.info("engine %d serves %s", os.getpid(), root)
        try:
            engine.run()
        finally:
            address.withdraw()
            engine.close()
    except Exception:
        logging.exception("the engine failed; workers go on, and the next front end starts another")
        return WORK_FAILED
    finally:
        address.withdraw()
        address.socket.unlink(missing_ok=True)  # in the listener's place: this process does not exit in order
    logging.info("engine %d leaves", os.getpid())
    return 0


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    # The bus has threads that wait for front ends; they must not keep this process, nor write once more.
    os._exit(status)
