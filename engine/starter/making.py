"""Gives a home its starter model: the cached one, or a new one made by a child process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

import msgspec

from engine import events as ev
from engine.problem import WORK_FAILED, Problem
from engine.starter.cache import Plan, alone, model_folder, sweep, whole

_NEEDED: Final = ("torch", "transformers", "peft", "accelerate", "safetensors")
_GRACE: Final = 5.0

Tell = Callable[[ev.Event], None]


def ready_model(home: Path, plan: Plan, tell: Tell) -> Path:
    """The folder of the home's starter model, made first if there is none, or only a broken or old one.

    Raises:
        Problem: the training packages are missing, or making it failed; nothing half-made stays.
    """
    check_packages()
    dest = model_folder(home)
    with alone(home, lambda: tell(ev.Phase(name="waiting", detail="for another demo to make the model"))):
        sweep(dest)
        if whole(dest, plan):
            tell(ev.Phase(name="starter model", detail=f"is there already: {dest}"))
            return dest
        why = (
            "the one in the cache is broken or of another version"
            if dest.exists()
            else "about a minute, once"
        )
        tell(ev.Phase(name="making the starter model", detail=f"({why})"))
        try:
            _make(dest, plan, tell)
        finally:
            sweep(dest)
    return dest


def check_packages() -> None:
    """Raise a Problem that says how to get what is missing, before anything is begun."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise Problem(
            "The training packages are not installed.",
            where=sys.executable,
            why=f"Missing: {', '.join(missing)}.",
            do="pip install 'openlora-tui[train]' (without a GPU, get torch by PyTorch's install page first)",
        )


def _make(dest: Path, plan: Plan, tell: Tell) -> None:
    words = [sys.executable, "-P", "-m", "engine.starter", str(dest), msgspec.json.encode(plan).decode()]
    with tempfile.TemporaryFile() as console:
        # In a session of its own, ctrl+c reaches this process alone, which then ends the child in order.
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=console, start_new_session=True
        )
        try:
            assert child.stdout is not None
            for line in child.stdout:
                event = ev.decode(line)
                if event is not None:
                    tell(event)
            child.wait()
        finally:
            _end(child)
        if child.returncode != 0 or not whole(dest, plan):
            raise _failure(child.returncode, console)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _failure(code: int, console: IO[bytes]) -> Problem:
    console.seek(0)
    lines = [line.strip() for line in console.read().decode("utf-8", "replace").splitlines() if line.strip()]
    how = f"by signal {-code}" if code < 0 else f"with status {code}"
    last = f" Its last words: {lines[-1]}" if lines else ""
    return Problem(
        "The starter model could not be made.",
        where="engine.starter",
        why=f"Its process ended {how}.{last}",
        do="`openlora doctor` checks this machine; with signal 9, it ran out of memory.",
        exit_status=WORK_FAILED,
    )
