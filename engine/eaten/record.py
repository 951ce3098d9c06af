"""What a run writes down so that the rows of any of its steps can be told later: a few hundred bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine import atomic

_NAME: Final = "eaten.json"


class Place(NamedTuple):
    """Rows of an epoch, in the order in which they are drawn."""

    epoch: int
    begin: int
    end: int


class Stretch(msgspec.Struct, frozen=True):
    """The steps after `step`, of `batch` rows each, the first of which begins at row `seen` of `epoch`."""

    step: int
    epoch: int
    seen: int
    batch: int


class Record(msgspec.Struct, kw_only=True):
    """How a run draws its rows."""

    seed: int
    rows: int
    """Rows that an epoch draws."""
    data: str
    """Digest of the training rows."""
    day: str
    """The date that the chat template was given as today's."""
    max_length: int
    """Of the rows, after the model's context has cut it."""
    tokenizer: str
    """The folder that it came from."""
    shelf: str | None
    """The folder with the encoded rows of this home, where they are kept."""
    stretches: list[Stretch] = []

    def go_on(self, stretch: Stretch) -> None:
        """Steps from here on are drawn by `stretch`."""
        self.stretches = [*(known for known in self.stretches if known.step < stretch.step), stretch]

    def place(self, step: int) -> Place | None:
        """Where the rows of `step` lie; None where no worker has drawn them."""
        known = [stretch for stretch in self.stretches if stretch.step < step]
        if not known or self.rows < 1:
            return None
        last = known[-1]
        left = step - last.step - 1
        epoch, seen = last.epoch, last.seen
        of_epoch = -(-(self.rows - seen) // last.batch)
        if left >= of_epoch:
            each = -(-self.rows // last.batch)
            whole, left = divmod(left - of_epoch, each)
            epoch, seen = epoch + 1 + whole, 0
        begin = seen + left * last.batch
        return Place(epoch, begin, min(begin + last.batch, self.rows))


def write(folder: Path, record: Record) -> None:
    """Put it into the run's folder; raises OSError."""
    atomic.write(folder / _NAME, msgspec.json.encode(record), 0o644)


def read(folder: Path) -> Record | None:
    """That of the run in `folder`; None where it has drawn no rows yet, or is of an older version."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None
