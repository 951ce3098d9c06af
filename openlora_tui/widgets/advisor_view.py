"""The advisor as it stands beside a place, or alone on a narrow screen: what was found, and a line to ask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message

from engine.findings import Finding
from engine.remarks import name_of
from engine.text import one_line
from openlora_tui.advice import Advice
from openlora_tui.asking import Exchange
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.widgets.advice_cards import exchange_card, finding_card
from openlora_tui.widgets.advice_list import AdviceList, Card
from openlora_tui.widgets.harmless import Line
from openlora_tui.widgets.machine import heading
from openlora_tui.widgets.painted import Painted, Row, between
from openlora_tui.widgets.wrap import wrapped

if TYPE_CHECKING:
    from openlora_tui.host import Host


class AskLine(Line):
    """Where a question is typed; up and down bring back what was asked."""

    BINDINGS: ClassVar = [
        Binding("escape", "app.do('leave_advisor')", show=False),
        Binding("up", "recall(1)", show=False),
        Binding("down", "recall(-1)", show=False),
    ]

    class Asked(Message):
        """Enter was pressed over a question; the line is empty again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(placeholder="ask anything about this", compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._back = 0

    async def action_submit(self) -> None:
        """Send the question."""
        text, self.value, self._back = self.value.strip(), "", 0
        if text:
            self.post_message(self.Asked(text))

    def action_recall(self, way: int) -> None:
        """A question before, or after."""
        past = cast("Host", self.app).asking.past
        back = self._back + way
        if 0 <= back <= len(past):
            self._back = back
            self.value = past[-back] if back else ""
            self.cursor_position = len(self.value)


class AdvisorView(Vertical):
    """Shows `advice` of the place below it."""

    DEFAULT_CSS = """
    AdvisorView AdviceHead { height: 2; }
    AdvisorView AskHead { height: 1; }
    AdvisorView #ask { height: 1; }
    AdvisorView #asking { width: 4; }
    AdvisorView AskLine { width: 1fr; background: $ol-background; }
    """

    def compose(self) -> ComposeResult:
        """Head, cards, and the line."""
        yield AdviceHead()
        yield AdviceList(self.cards, self.around)
        yield AskHead()
        with Horizontal(id="ask"):
            yield _Mark(id="asking")
            yield AskLine()

    @property
    def tui(self) -> Host:
        """The app, by its own type."""
        return cast("Host", self.app)

    @property
    def listed(self) -> AdviceList:
        """The cards."""
        return self.query_one(AdviceList)

    @property
    def line(self) -> AskLine:
        """The line to ask in."""
        return self.query_one(AskLine)

    def paint(self) -> None:
        """Paint what is known now."""
        for painted in self.query(Painted):
            painted.repaint()

    def cards(self) -> list[Card]:
        """The findings, then the questions."""
        advice = self.tui.advice
        cited = bool(self.tui.asking.exchanges)
        found = [
            Card(_key(one), partial(self._finding, one, advice, number if cited else 0), one)
            for number, one in enumerate(advice.findings, 1)
        ]
        asked = [
            Card(f"asked:{one.question.number}", partial(self._exchange, one), one)
            for one in self.tui.asking.exchanges
        ]
        return [*found, *asked]

    def _finding(self, finding: Finding, advice: Advice, number: int, width: int, chosen: bool) -> list[Row]:
        past = self.tui.past(finding) if chosen else []
        aside = finding in advice.aside
        return finding_card(finding, past, width, self.tui.glyphs, number=number, chosen=chosen, aside=aside)

    def _exchange(self, exchange: Exchange, width: int, chosen: bool) -> list[Row]:
        return exchange_card(exchange, width, self.tui.glyphs, self.tui.spinner, chosen=chosen)

    def around(self, width: int) -> tuple[list[Row], list[Row]]:
        """What stands above the cards where there is no finding, and below them."""
        advice = self.tui.advice
        above: list[Row] = []
        if not advice.findings and not advice.looking:
            well = Row(f"{self.tui.glyphs.status['succeeded']} All is well", "ok")
            said = [Row(line, "dim") for line in wrapped(advice.well, width)]
            above = [*([well] if advice.sound else []), *said, Row()]
        elif advice.looking:
            above = [Row(self.tui.spinner, "accent").add(f" {advice.looking} …", "dim"), Row()]
        ready = self.tui.asking.ready
        note = ready.note if ready is not None and not ready.model else ""
        return above, [Row(line, "dim") for line in wrapped(one_line(note), width)] if note else []

    @on(AskLine.Asked)
    def _asked(self, event: AskLine.Asked) -> None:
        self.tui.ask_advisor(event.text)


def _key(finding: Finding) -> str:
    return f"finding:{name_of(finding)}:{finding.title}"


class AdviceHead(Painted):
    """What is looked at, and how much was found."""

    def rows(self, width: int, height: int) -> list[Row]:
        """One row and a blank one."""
        advice = self.tui.advice
        counts = Row()
        for severity, count in advice.counts():
            counts.add("  " if counts.width else "").add(
                f"{count} {severity}{'s' if count > 1 else ''}", SEVERITY_ROLE[severity]
            )
        left = Row("  ").add("Advisor", "bright").add(f"  {one_line(advice.about)}", "dim")
        return [between(left, counts.add(" "), width), Row()]


class AskHead(Painted):
    """A rule above the line, with who answers."""

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        ready = self.tui.asking.ready
        who = "" if ready is None else one_line(ready.model, 24) or "by rules"
        return [Row("  ").join(heading("ask", who, width - 2, self.tui.glyphs))]


class _Mark(Painted):
    """Stands before the line."""

    def rows(self, width: int, height: int) -> list[Row]:
        """One row."""
        return [Row("  ").add("› ", "bold accent")]
