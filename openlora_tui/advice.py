"""What the advisor has to say of what a place shows; each place says what that is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine import events as ev
from engine.findings import SEVERITIES, Finding
from engine.lessons.dismissals import About
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The findings on one run, one recipe or some data."""

    about: str
    """What is looked at, in a word or two: `run 42`, `the recipe`."""
    findings: Sequence[Finding] = ()
    """The gravest first, those that were put aside last."""
    aside: Sequence[Finding] = ()
    """Which of them were put aside."""
    looking: str = ""
    """What is still being looked at; empty once all is known."""
    well: str = ""
    """What is said where there is no finding."""
    sound: bool = True
    """False where `well` speaks of something that is not well, or not there."""
    run: str = ""
    """The run's id; empty where it is about none."""
    subject: About = About()
    """What a dismissal can reach to."""

    @property
    def heeded(self) -> list[Finding]:
        """The findings that were not put aside."""
        return [finding for finding in self.findings if finding not in self.aside]

    def counts(self) -> list[tuple[str, int]]:
        """How many of each severity there are, the gravest first, without those put aside."""
        heeded = self.heeded
        found = [(severity, sum(f.severity == severity for f in heeded)) for severity in SEVERITIES]
        return [(severity, count) for severity, count in found if count]


def ordered(findings: Sequence[Finding], aside: Sequence[Finding] = ()) -> list[Finding]:
    """The gravest first, in the order in which they were ranked; those put aside last."""
    return sorted(findings, key=lambda f: (f in aside, SEVERITIES.index(f.severity)))


def all_well(state: RunState) -> tuple[str, bool]:
    """One line on a run without findings, and whether that line is good news."""
    if isinstance(state.outcome, ev.Failed):
        return f"{one_line(state.outcome.what)} No rule knows this end; the log may tell more.", False
    if state.status == "queued":
        return one_line(state.reason) or "It waits for its turn.", True
    points = state.loss.points()
    if len(points) < 2 or state.loss.latest is None:
        return "It has only begun; nothing has been noticed so far.", True
    first, now = points[0][3], state.mean_loss or state.loss.latest
    moved = "fell" if now < first else "went"
    steps = f"{state.step:,} step{'s' if state.step != 1 else ''}"
    return f"The loss {moved} from {figures.loss(first)} to {figures.loss(now)} in {steps}.", now < first
