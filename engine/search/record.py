"""What a search has tried, on the disk after each trial, so that it goes on where it was left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from engine import atomic
from engine.reading import UNDECODABLE, content
from engine.search.plan import Candidate, going_on, rungs

_LARGEST = 1 << 22


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

    def ranked(self) -> list[Trial]:
        """The best first: who came further, then who had the lower loss there; those that failed last."""

        def order(trial: Trial) -> tuple[bool, int, float]:
            last = trial.losses[-1] if trial.losses else None
            return last is None, -len(trial.losses), last or 0.0

        return sorted(self.trials, key=order)


def folder(root: Path) -> Path:
    """Where the searches of a home lie."""
    return root / "searches"


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
