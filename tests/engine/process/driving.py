"""Drives the engine as a person at a terminal does, and reads what lies on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.event_log import EventReader
from engine.recipe import RecipeFile, changed
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from openlora_tui.cli.session import Session

_T = TypeVar("_T")
PATIENCE = 90.0
STEPS = 120


class Driver:
    """Does what a person at a terminal does, and reads what lies on disk."""

    def __init__(self, root: Path, session: Session, recipe: RecipeFile) -> None:
        self.root = root
        self.session = session
        self.recipe = recipe

    def submit(self, **changes: object) -> str:
        return self.session.submit(changed(self.recipe, changes))

    def state(self, run: str) -> RunState:
        return fold(EventReader(RunDir(self.root, run).events))

    def until(self, run: str, holds: Callable[[RunState], bool], seconds: float = PATIENCE) -> RunState:
        return wait_for(lambda: self.state(run), holds, seconds)

    def ended(self, run: str) -> RunState:
        return self.until(run, lambda state: state.outcome is not None)

    def adapter(self, run: str) -> bytes:
        return adapter_bytes(self.root, run)


def adapter_bytes(root: Path, run: str) -> bytes:
    return (RunDir(root, run).adapter / "adapter_model.safetensors").read_bytes()


def wait_for(look: Callable[[], _T], holds: Callable[[_T], bool], seconds: float = PATIENCE) -> _T:
    end = time.monotonic() + seconds
    while True:
        found = look()
        if holds(found):
            return found
        assert time.monotonic() < end, f"not within {seconds} s; last seen: {found}"
        time.sleep(0.02)


def worker_pid(state: RunState) -> int:
    assert state.pid
    return state.pid


def reached(step: int) -> Callable[[RunState], bool]:
    def holds(state: RunState) -> bool:
        assert state.outcome is None, state.outcome
        return state.step >= step

    return holds
