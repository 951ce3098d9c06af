"""The advisor's list: a card for each finding, then one for each question; the chosen card says more."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import events

from engine.findings import Finding
from openlora_tui.actions import bindings, moves
from openlora_tui.asking import Exchange
from openlora_tui.widgets.painted import Painted, Row


class Card(msgspec.Struct, frozen=True):
    """Something that can be chosen: a finding, or a question with its answer."""

    key: str
    """Stays the same while its text changes."""
    write: Callable[[int, bool], list[Row]]
    """Its rows for a width; True where it is chosen."""
    subject: Finding | Exchange


class AdviceList(Painted, can_focus=True):
    """Cards of any height under each other, with a cursor that goes from one to the next.

    Args:
        cards: what there is to choose now.
        around: rows above the cards and below them, for a width.
    """

    BINDINGS: ClassVar = [*moves(), *bindings("advisor")]
    DEFAULT_CSS = "AdviceList { height: 1fr; }"

    def __init__(
        self,
        cards: Callable[[], list[Card]],
        around: Callable[[int], tuple[list[Row], list[Row]]],
    ) -> None:
        super().__init__()
        self._cards = cards
        self._around = around
        self._key = ""
        self._at = 0
        self._offset = 0
        self._spans: list[tuple[int, int]] = []
        """The first line of each card, and the one behind its last."""
        self._seek = False
        """True where the chosen card is to be brought into view."""

    @property
    def chosen(self) -> Card | None:
        """The card under the cursor."""
        return self._find(self._cards())

    def choose(self, key: str) -> None:
        """Put the cursor on a card."""
        self._key, self._seek = key, True
        self.repaint()

    def rows(self, width: int, height: int) -> list[Row]:
        """The lines in view."""
        cards = self._cards()
        chosen = self._find(cards)
        above, below = self._around(width - 3)
        lines = [Row("  ").join(row) for row in above]
        self._spans = []
        bar = self.tui.glyphs.cursor
        for card in cards:
            here = card is chosen
            role = "accent" if self.has_focus else "faint"
            lead = [(bar if here else " ", role), (" ", "text")]
            begin = len(lines)
            lines += [_led(lead, row) for row in card.write(width - 3, here)]
            self._spans.append((begin, len(lines)))
            lines.append(Row())
        lines += [Row("  ").join(row) for row in below]
        self._offset = self._kept_in_view(len(lines), height)
        return lines[self._offset : self._offset + height]

    def _kept_in_view(self, count: int, height: int) -> int:
        offset = self._offset
        if self._seek and self._spans:
            begin, end = self._spans[self._at]
            offset = begin if end - begin >= height else min(max(offset, end - height), begin)
            offset = 0 if self._at == 0 and end <= height else offset
            self._seek = False
        return max(min(offset, count - height), 0)

    def _find(self, cards: list[Card]) -> Card | None:
        """The chosen card; where it is gone, the one in its place."""
        if not cards:
            self._key, self._at = "", 0
            return None
        found = next((at for at, card in enumerate(cards) if card.key == self._key), None)
        self._at = found if found is not None else min(self._at, len(cards) - 1)
        self._key = cards[self._at].key
        return cards[self._at]

    def on_focus(self) -> None:
        """The cursor is brighter where keys go, and the foot tells of them."""
        self.repaint()
        self.tui.paint_keys()

    def on_blur(self) -> None:
        """The cursor stays to be seen."""
        self.repaint()
        self.tui.paint_keys()

    def on_click(self, event: events.Click) -> None:
        """Choose the card that was clicked; the chosen one opens."""
        line = self._offset + event.y
        hit = next((at for at, (begin, end) in enumerate(self._spans) if begin <= line < end), None)
        if hit is None:
            return
        if hit == self._at:
            self.tui.action_do("evidence")
        else:
            self._go(hit)

    def on_mouse_scroll_down(self) -> None:
        """Three lines, as terminals do."""
        self._scroll(3)

    def on_mouse_scroll_up(self) -> None:
        """Three lines, as terminals do."""
        self._scroll(-3)

    def action_down(self) -> None:
        """The next card; first the rest of this one, where it is longer than the view."""
        end = self._spans[self._at][1] if self._at < len(self._spans) else 0
        if end > self._offset + self.size.height:
            self._scroll(1)
        else:
            self._go(self._at + 1)

    def action_up(self) -> None:
        """The card before; first the beginning of this one."""
        begin = self._spans[self._at][0] if self._at < len(self._spans) else 0
        if begin < self._offset:
            self._scroll(-1)
        else:
            self._go(self._at - 1)

    def action_half_down(self) -> None:
        """Half a page down."""
        self._scroll(max(self.size.height // 2, 1))

    def action_half_up(self) -> None:
        """Half a page up."""
        self._scroll(-max(self.size.height // 2, 1))

    def action_page_down(self) -> None:
        """A page down."""
        self._scroll(max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """A page up."""
        self._scroll(-max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """The first card."""
        self._go(0)

    def action_bottom(self) -> None:
        """The last card."""
        self._go(len(self._spans) - 1)

    def _scroll(self, lines: int) -> None:
        self._offset = max(self._offset + lines, 0)
        self.repaint()

    def _go(self, at: int) -> None:
        cards = self._cards()
        if cards:
            self.choose(cards[max(min(at, len(cards) - 1), 0)].key)


def _led(lead: list[tuple[str, str]], row: Row) -> Row:
    led = Row()
    for text, role in lead:
        led.add(text, role)
    return led.join(row)
