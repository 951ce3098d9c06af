"""The app as `openlora-tui` starts it, on a fake engine with six runs: a program for a pseudo-terminal."""

from __future__ import annotations

import sys

import openlora_tui.start as start
from tests.tui.fake_engine import RUN, FakeEngine, rows, state_of, trained


def main() -> int:
    engine = FakeEngine()
    engine.list(rows())
    engine.states[RUN] = state_of(trained())
    start._connect = lambda: engine  # type: ignore[assignment, return-value]
    return start.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
