"""What a dead run shows in the place of its curve: what happened, why, what to do, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine import events as ev
from engine.findings import Finding
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.diagnosing import Autopsy, cause_of, causes_of
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.widgets.machine import heading
from openlora_tui.widgets.painted import Painted, Row
from openlora_tui.widgets.wrap import tail, wrapped

_LABEL: Final = 10
_CLOSE: Final = 0.2
"""Confidence by which another cause may lie behind the first and still be named."""
_BESIDE: Final = 12
"""Rows of the screen that the story leaves to what stands above and below it."""


def died(state: RunState | None) -> bool:
    """True for a run that ended as it should not have."""
    return state is not None and state.status == "failed" and isinstance(state.outcome, ev.Failed)


class FailureStory(Painted):
    """As many rows as there are to tell, within what a screen can spare."""

    DEFAULT_CSS = "FailureStory { display: none; height: auto; }"

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there are to tell."""
        return len(self.rows(max(width, 10), 99))

    def repaint(self) -> None:
        """Paint, after making room for what has come."""
        if len(self.rows(max(self.size.width, 10), 99)) != self.size.height:
            self.refresh(layout=True)
        super().repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """What happened, because of what, what to do, and what was met before."""
        state = self.tui.session.state
        if state is None or not isinstance(state.outcome, ev.Failed):
            return []
        autopsy = self.tui.advising.autopsy(state)
        found = autopsy.findings if autopsy is not None else state.findings
        room = max(self.app.size.height - _BESIDE, 6)
        outcome = state.outcome
        what = _part("happened", [(outcome.what, "bold bad")], width, 2)
        do = self._to_do(state, outcome, found, width)
        past = self._before(state, found, width)
        spare = room - len(what) - len(do) - len(past)
        because = self._because(state, outcome, found, autopsy, width, max(spare, 2))
        return [*what, *because, *do, *past, Row()]

    def _because(
        self,
        state: RunState,
        outcome: ev.Failed,
        found: Sequence[Finding],
        autopsy: Autopsy | None,
        width: int,
        most: int,
    ) -> list[Row]:
        """What the worker said of it, then what the rules make of that, and what shows it."""
        cause = cause_of(found, state)
        seen = cause is not None and bool(cause.cause) and any(line in outcome.why for line in cause.evidence)
        # What was seen stands below as evidence, a line each.
        said: list[tuple[str, str]] = [(outcome.why, "text")] if outcome.why and not seen else []
        if autopsy is None:
            said.append((f"{self.tui.spinner} looking for the cause …", "dim"))
        if cause is not None:
            if one_line(cause.title).rstrip(".") not in one_line(outcome.what):
                said.append((cause.title, f"bold {SEVERITY_ROLE[cause.severity]}"))
            if cause.cause and one_line(cause.cause) != one_line(outcome.why):
                said.append((cause.cause, "text"))
            sure = f"{figures.percent(cause.confidence)} sure: " if cause.confidence < 1 else ""
            said.append(
                (f"{sure}{cause.category.replace('_', ' ')}{_or_else(causes_of(found, state))}", "dim")
            )
            said += [(f"{self.tui.glyphs.dot} {one_line(line)}", "dim") for line in cause.evidence]
        elif autopsy is not None and not outcome.why:
            said.append(
                ("No rule knows this end. The lines below are the last that the worker wrote.", "text")
            )
        rows = _part("because", said, width, most)
        others = [
            one for one in found if one.severity != "note" and one.category != getattr(cause, "category", "")
        ]
        noticed = [(one.title, "dim") for one in others]
        return [*rows, *(_part("noticed", noticed, width, 1) if noticed and len(rows) < most else [])]

    def _to_do(self, state: RunState, outcome: ev.Failed, found: Sequence[Finding], width: int) -> list[Row]:
        key = self.tui.facts().key
        cause = cause_of(found, state)
        said = outcome.do or (cause.remedy if cause is not None else "")
        rows = _part("to do", [(said, "text")], width, 3) if said else []
        acts = []
        if cause is not None and cause.patch is not None:
            acts.append((key("mend_run"), one_line(cause.patch.label, width - 34), "and try again"))
        if outcome.resumable:
            at = (
                f"from step {state.checkpoint.step:,}"
                if state.checkpoint is not None
                else "from its checkpoint"
            )
            acts.append((key("resume"), "resume", at))
        for pressed, act, what in acts:
            label = "" if rows else "to do"
            row = Row(label.ljust(_LABEL), "dim").add(f"{pressed:<6}", "bold accent")
            rows.append(row.add(act, "bright").add(f"  {what}", "dim"))
        return rows

    def _before(self, state: RunState, found: Sequence[Finding], width: int) -> list[Row]:
        past = [line for finding in found[:2] for line in self.tui.advising.past(finding, state.run)]
        return _part("before", [(line, "dim") for line in past], width, 2) if past else []


def _or_else(causes: Sequence[Finding]) -> str:
    """Another cause that comes close to the first."""
    first, others = causes[0], [one for one in causes if one.category != causes[0].category]
    near = next((one for one in others if one.confidence >= first.confidence - _CLOSE), None)
    return f"; or {near.category.replace('_', ' ')}" if near is not None else ""


def _part(label: str, said: Sequence[tuple[str, str]], width: int, most: int) -> list[Row]:
    """A label, and beside it texts folded into at most so many lines."""
    lines = [(line, role) for text, role in said for line in wrapped(one_line(text), width - _LABEL) if text]
    return [
        Row((label if at == 0 else "").ljust(_LABEL), "dim").add(line, role)
        for at, (line, role) in enumerate(lines[:most])
    ]


class ConsolePart(Painted):
    """The lines of the console around the one that tells most."""

    JUMP = "log"
    DEFAULT_CSS = "ConsolePart { display: none; height: 1fr; min-height: 3; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading with the place in the console, then the lines."""
        state, glyphs = self.tui.session.state, self.tui.glyphs
        if state is None:
            return []
        autopsy = self.tui.advising.autopsy(state)
        key = self.tui.facts().key("log")
        if autopsy is None:
            return [heading("console", f"{key} all", width, glyphs)]
        if not autopsy.lines:
            said = [log.text for log in state.log[-(height - 1) :]] if height > 1 else []
            return [heading("log", f"{key} all", width, glyphs), *(Row(one_line(text)) for text in said)]
        return self._excerpt(autopsy, width, height, key)

    def _excerpt(self, autopsy: Autopsy, width: int, height: int, key: str) -> list[Row]:
        lines, at = autopsy.lines, autopsy.at
        whole = autopsy.before + len(lines)
        where = f"line {autopsy.before + at + 1:,} of {whole:,}" if at is not None else f"{whole:,} lines"
        rows = [heading("console", f"{where}   {key} all", width, self.tui.glyphs)]
        room = height - 1
        last = len(lines) if at is None else min(at + max(room // 3, 1), len(lines))
        first = max(last - room, 0)
        digits = len(f"{whole}")
        for index in range(first, min(first + room, len(lines))):
            tells = index == at
            row = Row(self.tui.glyphs.cursor if tells else " ", "bad")
            row.add(f"{autopsy.before + index + 1:>{digits}} ", "faint")
            rows.append(row.add(lines[index], "bright" if tells else "dim"))
        return rows


def end_row(state: RunState, width: int) -> Row:
    """Where the run ended, how, and where its whole console lies."""
    outcome = state.outcome
    assert isinstance(outcome, ev.Failed)
    at = f"step {state.step:,} of {state.steps:,}" if state.steps else "before the first step"
    parts = [at, f"after {figures.duration(state.updated - state.created)}"]
    parts += [f"exit code {outcome.exit_code}"] if outcome.exit_code is not None else []
    parts += [f"signal {one_line(outcome.signal)}"] if outcome.signal else []
    row = Row("ended".ljust(_LABEL), "dim").add(", ".join(parts))
    room = width - row.width - 3
    return row.add(f"   {tail(one_line(outcome.log), room)}", "dim") if outcome.log and room > 20 else row
