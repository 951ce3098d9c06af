"""Asks something of a child process: what may crash or hang must not take the doctor with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """What a child has said."""

    said: list[dict[str, Any]]
    """The JSON objects that it printed, one a line, until it ended or was ended."""
    trouble: str = ""
    """Why it said no more: a signal, the time, an error; empty where it ended well."""


def ask(module: str, *words: str, seconds: float) -> Answer:
    """Run `python -m module` for `seconds` at most; raises nothing."""
    command = [sys.executable, "-P", "-m", module, *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as slow:
        return Answer(_objects(slow.stdout or b""), f"no answer within {seconds:.0f} s")
    except OSError as error:
        return Answer([], f"its process cannot be started: {error.strerror}")
    if done.returncode < 0:
        return Answer(_objects(done.stdout), f"its process died by {_signal_name(-done.returncode)}")
    said = _objects(done.stdout)
    if done.returncode == 0 and said:
        return Answer(said)
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return Answer(said, last[0] if last else f"exit status {done.returncode}")


def _objects(output: bytes) -> list[dict[str, Any]]:
    found = []
    for line in output.splitlines():
        try:
            value = json.loads(line)
        except ValueError:  # what libraries print, and a last line that was cut
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
