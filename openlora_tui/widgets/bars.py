"""The first line of every place, and the last one with its keys."""

from __future__ import annotations

from functools import partial

from textual import events

from openlora_tui.actions import BY_ID, Action, footer, said
from openlora_tui.actions.places import BY_MODE, PLACES
from openlora_tui.widgets.jumps import Target
from openlora_tui.widgets.machine import one_row
from openlora_tui.widgets.painted import Painted, Row, between

_PLACES = tuple((place.mode, place.key, place.title) for place in PLACES if place.key)


def _spans() -> list[tuple[int, int, str]]:
    """From where to where each place stands in the first line."""
    spans, at = [], len(" OpenLoRA ")
    for place, _, title in _PLACES:
        spans.append((at, at + 5 + len(title), place))
        at += 5 + len(title)
    return spans


class TopBar(Painted):
    """The places on their number keys, and the machine in one line."""

    DEFAULT_CSS = "TopBar { height: 1; split: top; background: $ol-panel; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        row = Row(" OpenLoRA ", "bright")
        facts = self.tui.facts()
        for place, key, title in _PLACES:
            shown = facts.place == place
            able = shown or not self.tui.why_not(BY_ID[place], facts)
            row.add("  ").add(f" {key} ", "accent" if able else "faint")
            row.add(title, "bright" if shown else "text" if able else "faint")
        here = BY_MODE.get(facts.place)
        if here is not None and not here.key:
            row.add(f"  {facts.key(here.mode):^3}", "accent").add(here.title, "bright")
        if self.tui.readonly:
            row.add("  watch only" if width - row.width >= 12 else "  watch", "warn")
        session = self.tui.session
        if not session.connected:
            return [between(row, Row("engine not connected ", "warn"), width)]
        if session.machine is None:
            return [row]
        machine = one_row(session.machine, width - row.width - 3)
        return [between(row, machine.add(" "), width)]

    def on_click(self, event: events.Click) -> None:
        """A place can be clicked."""
        for start, end, place in _spans():
            if start <= event.x < end:
                self.tui.action_do(place)

    def jump_targets(self) -> list[Target]:
        """The places."""
        return [Target(start + 2, 0, partial(self.tui.action_do, place)) for start, _, place in _spans()]


class KeyBar(Painted):
    """The most useful keys here; dim where they do nothing now, and a press says why."""

    DEFAULT_CSS = "KeyBar { height: 1; split: bottom; background: $ol-panel; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        facts = self.tui.facts()
        row = Row()
        for _, _, action in self._spans(width):
            off = bool(self.tui.why_not(action, facts))
            row.add(" " if not row.width else "   ")
            row.add(facts.key(action.id), "faint" if off else "bold accent")
            row.add(f" {said(action, facts)}", "faint" if off else "text")
        return [row]

    def on_click(self, event: events.Click) -> None:
        """A key can be clicked."""
        action = self._at(event.x)
        if action is not None:
            self.tui.action_do(action.id)

    def _at(self, x: int) -> Action | None:
        return next((action for start, end, action in self._spans(self.size.width) if start <= x < end), None)

    def _spans(self, width: int) -> list[tuple[int, int, Action]]:
        """Where each key stands; those that do not fit are left out before the help, which comes last."""
        facts = self.tui.facts()
        shown = footer(facts, lambda action: self.tui.why_not(action, facts))
        while True:
            spans, at = [], 0
            for action in shown:
                end = at + (3 if at else 1) + len(facts.key(action.id)) + 1 + len(said(action, facts))
                spans.append((at, end, action))
                at = end
            if at <= width or len(shown) < 2:
                return spans
            del shown[-2]


class TooSmall(Painted):
    """Stands in for a screen in a terminal that cannot hold it."""

    DEFAULT_CSS = "TooSmall { display: none; width: 1fr; height: 1fr; }"

    def rows(self, width: int, height: int) -> list[Row]:
        """What would help, in the middle."""
        size = self.app.size
        quits = f"{self.tui.facts().key('back')} quits"
        text = ["OpenLoRA needs 60 by 16.", f"This terminal is {size.width} by {size.height}.", quits]
        if any(len(line) > width for line in text):
            text = ["60x16 needed", f"{size.width}x{size.height} here", quits]
        blank = [Row() for _ in range(max((height - len(text)) // 2, 0))]
        return blank + [Row(line.center(width).rstrip(), "text") for line in text]
