"""What is asked of an estimate: what a run takes, whether it fits, how much would, what makes it fit."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.findings import Patch
from engine.memory.experience import Experience
from engine.memory.formula import BAND
from engine.memory.limit import Limit
from engine.memory.parts import Parts


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change to the recipe with which it fits."""

    patch: Patch
    why: str
    """What it costs, in words."""
    peak: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate of a recipe."""

    parts: Parts
    limit: Limit
    rows: int
    """Rows of the micro-batch that is priced: those of `per_device_train_batch_size`."""
    length: int
    """Tokens of each: `max_length`, or the model's context where that is shorter."""
    exact: bool
    """True where the step itself was run without content; else it is the formula's."""
    largest: int | None = None
    """Rows of a micro-batch that fit; None while that is not known."""
    changes: list[Change] = []
    """Where it does not fit: what would make it fit, what costs least first."""
    note: str = ""
    """Why it is not exact, where that has a reason."""
    past: Experience | None = None
    """What past runs teach of it; None where too few were alike."""

    @property
    def peak(self) -> int:
        """Bytes at the peak."""
        return self.parts.peak

    @property
    def corrected(self) -> int | None:
        """Bytes at the peak as past runs let expect; None without any."""
        return None if self.past is None else self.past.expected(self.peak, self.limit)

    @property
    def band(self) -> tuple[int, int]:
        """Between what the exact figure is: itself, where it is exact."""
        if self.exact:
            return self.peak, self.peak
        low, high = BAND
        return int(self.peak * low), int(self.peak * high)

    @property
    def fits(self) -> bool:
        """True where the peak, as past runs correct it, is no more than there is."""
        return (self.corrected or self.peak) <= self.limit.bytes

    def document(self) -> dict[str, Any]:
        """What `openlora estimate --json` prints."""
        low, high = self.band
        return {
            "peak_bytes": self.peak,
            "parts": self.parts.named(),
            "fits": self.fits,
            "largest_micro_batch": self.largest,
            "memory_bytes": self.limit.bytes,
            "device": self.limit.name,
            "micro_batch": self.rows,
            "max_length": self.length,
            "exact": self.exact,
            "band": [low, high],
            "changes": [
                {"label": c.patch.label, "recipe": c.patch.recipe, "peak_bytes": c.peak, "cost": c.why}
                for c in self.changes
            ],
            "note": self.note,
            "corrected_bytes": self.corrected,
            "runs": self.past.runs if self.past else 0,
        }
