"""Begins and ends searches: the command line goes through them, in a process that outlives the app."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from engine.paths import private
from engine.problem import Problem
from engine.recipe import RecipeFile, absolute_text
from engine.search import record as records
from engine.search.record import Record

_LOOK: Final = 0.2
_DO: Final = "`openlora train RECIPE --search` says more."


class Process:
    """A search that is being gone through by a command that this app began."""

    def __init__(self, recipe: RecipeFile, trials: int, budget: int, home: Path) -> None:
        """Begin it.

        Raises:
            Problem: the recipe names what is not there.
            OSError: the home takes no files.
        """
        text = absolute_text(recipe)
        records.folder(home).mkdir(mode=0o700, exist_ok=True)
        self._log = records.folder(home) / "begun.log"
        words = ["train", "-", "--set", f"run_name={recipe.name}", "--search", "--json"]
        words += ["--trials", str(trials), "--budget", str(budget)]
        with open(self._log, "wb", opener=private) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "openlora_tui.cli.main", *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "OPENLORA_HOME": str(home)},
            )
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(text.encode())

    async def begun(self, home: Path) -> int:
        """The number of the search, once it is under way.

        Raises:
            Problem: it was refused, or every trial has failed.
        """
        while (number := self._number(home)) is None:
            await asyncio.sleep(_LOOK)
            self.refused()
        return number

    def refused(self) -> None:
        """Raise Problem where it has ended with one."""
        if not self._process.poll():
            return
        try:
            last = msgspec.json.decode(self._log.read_bytes().splitlines()[-1])
            told = last.get("error", last)  # a check that stops it is told as an event
            raise Problem(told["what"], **{name: told.get(name, "") for name in ("where", "why", "do")})
        except (OSError, IndexError, KeyError, TypeError, msgspec.DecodeError):
            if self._process.returncode not in (0, 130):
                raise Problem("The search ended without a word.", do=_DO) from None

    def _number(self, home: Path) -> int | None:
        if self._process.poll() == 0:  # one that was over already is told again, and ends at once
            document = msgspec.json.decode(self._log.read_bytes())
            return int(document["search"])
        known = (record.number for record in reversed(records.found(home)))
        return next((number for number in known if records.driver(number, home) == self._process.pid), None)


def stop(record: Record, home: Path) -> bool:
    """Have whoever goes through it stop its trial and leave; False where nobody does."""
    pid = records.driver(record.number, home)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGINT)
    except OSError:
        return False
    return True
