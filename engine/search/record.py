"""What a search has tried, on the disk after each trial, so that it goes on where it was left."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.problem import Problem
from engine.reading import UNDECODABLE, content
from engine.search.plan import Candidate, going_on, rungs

_LARGEST: Final = 1 << 22
_DIGITS: Final = 20
_CLOSE: Final = 0.01
"""Share of the winner's loss within which another seed may well turn two of them around."""


class Trial(msgspec.Struct, kw_only=True):
    """One candidate and the run that tries it."""

    candidate: Candidate
    run: str = ""
    losses: list[float | None] = []
    """Its held-out loss at the end of each round that it took part in; None where its run failed."""
    why: str = ""
    """Why it failed."""


class Record(msgspec.Struct, kw_only=True):
    """A whole search."""

    number: int
    key: str
    name: str
    budget: int
    trials: list[Trial]

    @property
    def rounds(self) -> list[tuple[int, int]]:
        """Candidates and steps of each round."""
        return rungs(len(self.trials), self.budget)

    def entrants(self, at: int) -> list[Trial]:
        """The trials of round `at`; those before it are over."""
        chosen = list(range(len(self.trials)))
        for before, (size, _) in enumerate(self.rounds[1 : at + 1]):
            losses = [self.trials[index].losses[before] for index in chosen]
            chosen = [chosen[kept] for kept in going_on(losses, size)]
        return [self.trials[index] for index in chosen]

    @property
    def round(self) -> int | None:
        """The round that goes on, from 0; None where the search is over."""
        for at in range(len(self.rounds)):
            if any(len(trial.losses) <= at for trial in self.entrants(at)):
                return at
        return None

    @property
    def why(self) -> str:
        """What the winner has over the next one, and how much that is worth; empty while there is none."""
        best, *others = self.ranked()
        low = best.losses[-1] if best.losses else None
        if low is None:
            return ""
        steps = self.rounds[len(best.losses) - 1][1]
        words = f"{best.candidate}: the lowest held-out loss after {steps} steps, {low:.4g}."
        beside = [each.losses[-1] for each in others if len(each.losses) == len(best.losses)]
        if not beside or (next_best := beside[0]) is None:
            return words
        words += f" The next, {others[0].candidate}, came to {next_best:.4g}."
        if next_best - low < _CLOSE * abs(low):
            words += " That is close: another seed may turn the two around."
        return words

    def ranked(self) -> list[Trial]:
        """The best first: who came further, then who had the lower loss there; those that failed last."""

        def order(trial: Trial) -> tuple[bool, int, float]:
            last = trial.losses[-1] if trial.losses else None
            return last is None, -len(trial.losses), last or 0.0

        return sorted(self.trials, key=order)


def folder(root: Path) -> Path:
    """Where the searches of a home lie."""
    return root / "searches"


def recipe_of(record: Record, root: Path) -> Path:
    """Where the winner's recipe lies, once the search is over."""
    return folder(root) / f"{record.number}.yaml"


@contextmanager
def driving(record: Record, root: Path) -> Iterator[None]:
    """Have this process alone go through the search inside.

    Raises:
        Problem: another one does.
    """
    with _lock(record.number, root).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(f"Search {record.number} is under way already.",
                          do="Wait for it, or stop it first.") from None  # fmt: skip
        os.truncate(file.fileno(), 0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def driver(number: int, root: Path) -> int | None:
    """The process that goes through a search; None where nobody does."""
    try:
        with _lock(number, root).open() as file:
            pid = int(file.read(_DIGITS))
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return pid
    except (OSError, ValueError):
        pass
    return None


def _lock(number: int, root: Path) -> Path:
    return folder(root) / f"{number}.lock"


def key_of(recipe: str, candidates: list[Candidate], budget: int) -> str:
    """What tells one search from another."""
    said = msgspec.json.encode((recipe, candidates, budget))
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def save(record: Record, root: Path) -> None:
    """Keep it; raises OSError."""
    folder(root).mkdir(mode=0o700, exist_ok=True)
    path = folder(root) / f"{record.number}.json"
    atomic.write(path, msgspec.json.format(msgspec.json.encode(record)))


def found(root: Path) -> list[Record]:
    """The searches of a home, in their order; one that cannot be read is left out."""
    records = []
    for path in folder(root).glob("*.json") if folder(root).is_dir() else []:
        try:
            records.append(msgspec.json.decode(content(path, _LARGEST), type=Record))
        except (OSError, *UNDECODABLE):
            continue
    return sorted(records, key=lambda record: record.number)
