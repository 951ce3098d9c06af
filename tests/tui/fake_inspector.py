"""An engine whose side job `inspect` is the real one, in a thread of the test."""

from __future__ import annotations

from engine.data.serve import serve
from engine.inspection import talk
from tests.tui.fake_side import SideEngine


class InspectingEngine(SideEngine):
    """Begins inspections; all else is the fake engine's."""

    def __init__(self) -> None:
        super().__init__("inspect", serve)

    @property
    def specs(self) -> list[talk.Spec]:
        """What each inspection was to look at."""
        return [talk.spec(job.spec) for job in self.jobs.values()]
