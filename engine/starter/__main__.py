"""`python -m engine.starter DEST [PLAN]`: makes the starter model and reports events on stdout."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import msgspec

from engine import events as ev
from engine.starter.cache import Plan, building, seal


def main(words: list[str]) -> int:
    """Make the model in DEST; a signal, or a reader that left, ends it and leaves nothing behind."""
    dest = Path(words[0]).absolute()
    plan = msgspec.json.decode(words[1], type=Plan) if len(words) > 1 else Plan()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    _tell(ev.Phase(name="loading libraries"))
    with building(dest) as folder:
        from engine.starter.make import make

        make(folder, plan, _tell)
        seal(folder, plan)
    return 0


def _tell(event: ev.Event) -> None:
    sys.stdout.buffer.write(ev.encode(event))
    sys.stdout.buffer.flush()


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Thread pools can hang in interpreter shutdown, after all is written.
    os._exit(status)
