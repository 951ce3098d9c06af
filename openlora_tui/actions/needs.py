"""Why an action on a run, or one that needs the engine, is not available now."""

from __future__ import annotations

from engine.events import HUB
from engine.messages import RunRow
from engine.run_state import ENDED
from openlora_tui.actions.table import Facts, Needs


def a_run(facts: Facts) -> str:
    """There is a run."""
    return "" if facts.row else f"There is no run here yet; {facts.key('new')} starts one."


def an_adapter(facts: Facts) -> str:
    """The run has left an adapter to talk to."""
    why = _a_run_and_the_engine(facts)
    if why or facts.row is None:
        return why
    return "" if facts.row.adapter else "This run has left no adapter to talk to yet."


def the_engine(facts: Facts) -> str:
    """The engine hears us."""
    return facts.trouble


def _a_run_and_the_engine(facts: Facts) -> str:
    return a_run(facts) or facts.trouble


def live(facts: Facts) -> str:
    """The run has not ended."""
    why = _a_run_and_the_engine(facts)
    if why or facts.row is None:
        return why
    return f"This run has {_ended(facts, facts.row)}." if facts.row.status in ENDED else ""


def _ended(facts: Facts, row: RunRow) -> str:
    if row.status in ("interrupted", "stopped"):
        return f"been {row.status}; {facts.key('resume')} resumes it"
    return row.status


def waiting(facts: Facts) -> str:
    """The run waits in the queue."""
    why = live(facts)
    if why or facts.row is None:
        return why
    return "" if facts.row.status == "queued" else "This run does not wait in the queue any more."


def working(facts: Facts) -> str:
    """The run has a worker that listens."""
    why = live(facts)
    if why or facts.row is None:
        return why
    waits = {"queued": "This run waits in the queue.", "starting": "This run is still starting.",
             "stopping": "This run is stopping already."}  # fmt: skip
    if facts.row.device == HUB and facts.row.status == "running":
        return f"The model of this run is being fetched; {facts.key('stop')} stops that, and keeps what came."
    return waits.get(facts.row.status, "")


def stoppable(facts: Facts) -> str:
    """The run is live and not stopping yet."""
    why = live(facts)
    if why or facts.row is None:
        return why
    return "This run is stopping already." if facts.row.status == "stopping" else ""


def resumable(facts: Facts) -> str:
    """The run has ended; one that has finished is given more epochs."""
    why = _a_run_and_the_engine(facts)
    if why or facts.row is None:
        return why
    if facts.row.status not in ENDED:
        return f"This run has not ended; {facts.key('pause')} pauses and continues it."
    return ""


def repairable(facts: Facts) -> str:
    """The run has ended, and not as it should."""
    why = _a_run_and_the_engine(facts)
    if why or facts.row is None:
        return why
    if facts.row.status not in ENDED:
        return "This run has not ended."
    return "This run has succeeded; there is nothing to mend." if _went_well(facts.row) else ""


def _went_well(row: RunRow) -> bool:
    return row.status == "succeeded" and not row.findings


def deletable(facts: Facts) -> str:
    """The run has ended."""
    why = _a_run_and_the_engine(facts)
    if why or facts.row is None:
        return why
    return "" if facts.row.status in ENDED else f"This run is live; {facts.key('stop')} stops it first."


def elsewhere(place: str) -> Needs:
    """Another place is shown."""
    return lambda facts: "You are there already." if facts.place == place else ""
