"""Finds the engine of a home, and starts it where there is none."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from engine import bus
from engine.alone import holder
from engine.client.silence import stopped
from engine.paths import engine_name, private, socket_folder
from engine.problem import WORK_FAILED, Problem

_PATIENCE: Final = 30.0


def attach(root: Path) -> bus.Boxes:
    """The mailboxes of the home's engine, which is started first if need be.

    However many front ends start at once, one engine comes of it: they queue at a lock, and
    the engine itself holds another for its life.

    Raises:
        Silent: there is one, and it does not answer.
        Problem: where the engine does not come up; its log is named.
    """
    if (pid := holder(root)) is not None and stopped(pid):
        raise bus.Silent(pid)
    with (socket_folder() / f"{engine_name(root)}.start").open("w") as lock:
        mine, end = False, time.monotonic() + _PATIENCE
        while True:
            try:
                return bus.connect(root)
            except bus.Silent:
                raise
            except bus.LOST:
                # A starter that was stopped must not hold up the others for ever.
                if mine or time.monotonic() > end:
                    return _start(root)
            mine = _locked(lock)
            if not mine:
                time.sleep(0.05)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def log_file(root: Path) -> Path:
    """Where the engine's own words go."""
    return root / "engine.log"


def _start(root: Path) -> bus.Boxes:
    process = _spawn(root)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            return bus.connect(root)
        except bus.LOST:
            time.sleep(0.02)
        if process.poll() not in (None, 0):
            break
    code = process.poll()
    raise Problem(
        "The engine did not start.",
        where=str(log_file(root)),
        why=f"It ended with status {code}." if code is not None else "It did not answer in 30 s.",
        do="The log says more; `openlora doctor` checks this machine.",
        exit_status=WORK_FAILED,
    )


def _spawn(root: Path) -> subprocess.Popen[bytes]:
    # A session of its own and streams to a file: the engine outlives this process, and a caller
    # that captures our output does not wait for the engine to end.
    environment = os.environ | {"OPENLORA_HOME": str(root)}
    with _log(root) as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.server"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
            cwd=root,
            env=environment,
        )


def _log(root: Path) -> BinaryIO:
    try:
        return open(log_file(root), "ab", opener=private)
    except OSError:  # a full disk has no room for a new file; the engine itself lives with that
        return open(os.devnull, "ab")
