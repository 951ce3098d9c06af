"""What a job is given, and the two doors by which it speaks and listens while it works."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

import msgspec

from engine.events import Event
from engine.recipe.recipe import Recipe

Order = Literal["stop", "interrupt", "pause", "continue", "save", "wait", "rate"]
"""`stop` saves and ends with an adapter; `interrupt` saves a checkpoint and ends resumable.

`wait` comes again and again while the disk has no room for the run's events; who gives it is their folder.
`rate` is another peak learning rate; who gives it is that rate, written out.
"""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A training job: the run's id, its folder, and the recipe with every path absolute."""

    run: str
    folder: Path
    recipe: Recipe
    fetched: Path | None = None
    """The model's folder, where the recipe names the model by its hub id."""
    revision: str | None = None
    """The commit of a model that came from the hub."""
    tokens: Path | None = None
    """Where encoded rows are kept, for this run's next start and for others; None keeps none."""
    device: str = "auto"
    """`auto`, or the name of a lease (`engine.leases.cards`), whose cards are all that the job is shown."""

    @property
    def base(self) -> Path:
        """The folder of the model to tune."""
        return self.fetched or Path(self.recipe.model).expanduser()

    @property
    def checkpoints(self) -> Path:
        """Where the job's checkpoints go."""
        return self.folder / "checkpoints"

    @property
    def adapter(self) -> Path:
        """Where the finished adapter goes."""
        return Path(self.recipe.output_dir) if self.recipe.output_dir else self.folder / "adapter"


class Report(Protocol):
    """Takes the job's events; never blocks for long and never raises."""

    def __call__(self, event: Event, /) -> None:
        """Report one event."""


class Orders(Protocol):
    """The orders that have come for the job."""

    def next(self) -> tuple[Order, str] | None:
        """The oldest order not yet seen and who gave it, or None; never blocks."""
