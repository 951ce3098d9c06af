"""What a run died of, with the lines of its console that tell; reads files, so not for the UI's thread."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from engine import events as ev
from engine.findings import SEVERITIES, Finding
from engine.run_state import RunState
from engine.text import clean, one_line

if TYPE_CHECKING:
    from engine.advisor.case import Case

_LINES: Final = 400
"""Of the console, its last."""
_TAIL: Final = 1 << 20
_LONGEST: Final = 2_000
"""Characters of a line: the rules' expressions are slow on longer ones."""
_TELLING: Final = re.compile(
    r"^\s*[\w.]*(Error|Exception|Interrupt|Killed|OutOfMemory)\b|^\s*(FATAL|fatal)\b"
)
_NEAR: Final = 3
"""Steps before the end from which on a warning may have led to it."""
_SHORT: Final = 12
"""Characters below which a line of evidence may stand anywhere in a log by chance."""


class Autopsy(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run's end."""

    findings: list[Finding] = []
    """The likeliest first, those of the run itself included."""
    lines: list[str] = []
    """The end of its console, cleaned."""
    before: int = 0
    """Lines of the console that come before those."""
    at: int | None = None
    """Index of the line that tells most; None where no line does."""


def examined(state: RunState, home: str) -> Autopsy:
    """Diagnose a run that has ended."""
    from engine.advisor.diagnose import diagnose

    lines, before = _console(state, home)
    found = _once(diagnose(_case(state, lines)), state.findings)
    return Autopsy(findings=found, lines=lines, before=before, at=telling(cause_of(found, state), lines))


def _once(found: list[Finding], own: list[Finding]) -> list[Finding]:
    """Without what rules read in the console where the run itself has told the same, and knew more of it."""
    told = {finding.category: SEVERITIES.index(finding.severity) for finding in own}
    return [one for one in found if one in own or SEVERITIES.index(one.severity) < told.get(one.category, 9)]


def cause_of(found: Sequence[Finding], state: RunState) -> Finding | None:
    """The finding that explains the end; None where what was noticed on the way need not have led to it."""
    return next(iter(causes_of(found, state)), None)


def causes_of(found: Sequence[Finding], state: RunState) -> list[Finding]:
    """The findings that may explain the end, the likeliest first."""
    blockers = [finding for finding in found if finding.severity == "blocker"]
    late = [f for f in found if f.severity == "warning" and (f.step is None or f.step >= state.step - _NEAR)]
    return [*blockers, *late]


def telling(cause: Finding | None, lines: list[str]) -> int | None:
    """The line that the cause cites; else the last that names an error."""
    cited = [one_line(line).lower() for line in (cause.evidence if cause is not None else ())]
    said = [one_line(line).lower() for line in lines]
    for words in cited:
        for at in range(len(said) - 1, -1, -1):
            if len(said[at]) >= _SHORT and (said[at] in words or words in said[at]):
                return at
    return next((at for at in range(len(lines) - 1, -1, -1) if _TELLING.search(lines[at])), None)


def _console(state: RunState, home: str) -> tuple[list[str], int]:
    from engine.run_dir import RunDir

    outcome = state.outcome
    try:
        with RunDir(Path(home), state.run).console.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            whole = file.read(_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        whole = []
    if not whole and isinstance(outcome, ev.Failed):
        whole = outcome.console
    lines = [clean((line.rpartition("\r")[2] or line)[:_LONGEST]).expandtabs(4).rstrip() for line in whole]
    return lines[-_LINES:], max(len(lines) - _LINES, 0)


def _case(state: RunState, lines: list[str]) -> Case:
    from engine.advisor.case import Case

    told = [state.outcome.what, state.outcome.why] if isinstance(state.outcome, ev.Failed) else []
    log = [line.text for line in state.log if line.level != "info"]
    # The console of a run that was resumed still holds the end of the worker before.
    failed = isinstance(state.outcome, ev.Failed) and state.status == "failed"
    return Case(
        lines=[*log, *lines, *(line for line in told if line)] if failed else [],
        findings=state.findings,
        phase=state.phase,
        steps=state.steps,
        ours=True,
    )
