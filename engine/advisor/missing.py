"""What a diagnosis would have needed and did not get: notes, so that silence is never taken for health."""

from __future__ import annotations

from collections.abc import Iterator

from engine.advisor.case import Case
from engine.findings import Finding


def missing(case: Case, found: list[Finding]) -> Iterator[Finding]:
    """Notes on what is not known of a case of which `found` was said."""
    if not any(finding.severity != "note" for finding in found):
        yield _note(
            "nothing_found",
            "Nothing in it explains a failure.",
            "No message of a known failure and no sign of trouble in the curve: the run may be healthy, or "
            "fail in a way that no rule knows.",
            "Look at what the model says on rows of its own data, with the adapter and without.",
        )
    if case.ours:
        return
    if not case.lines and not case.points:
        yield _note(
            "no_log",
            "There is neither a line of a log nor a point of a curve.",
            "The files that were given hold none.",
            "Give what the trainer printed with --log, or its figures with --curve.",
        )
    elif not case.points:
        yield _note(
            "no_curve",
            "The log tells no loss.",
            "Whether the run learnt anything cannot be seen in it.",
            "Give trainer_state.json or a table of the figures with --curve.",
        )
    if not case.config:
        yield _note(
            "no_configuration",
            "No configuration was given.",
            "Rate, precision, length and template decide between causes that look alike in a log.",
            "Give the trainer's file with --config.",
        )


def _note(name: str, title: str, cause: str, do: str) -> Finding:
    return Finding(
        category="other", severity="note", title=title, cause=cause, remedy=do, check=f"missing.{name}"
    )
