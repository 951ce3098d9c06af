"""A question and its answer on the whole screen, with the findings that it cites."""

from __future__ import annotations

from engine.text import one_line
from openlora_tui.asking import Exchange
from openlora_tui.modals.findings import finding_rows
from openlora_tui.modals.readers import Reader
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped


class AnswerReader(Reader):
    """Follows the answer while it is given."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("Answer", "by rules" if exchange.answer and exchange.answer.by == "rules" else "")
        self._exchange = exchange

    def write(self, width: int) -> list[Row]:
        """The question, the answer, what it rests on."""
        one = self._exchange
        rows = [Row(line, "bright") for line in wrapped(one.question.text, width)]
        rows += [Row(), *(Row(line) for line in wrapped(one.text, width))]
        if one.answer is None:
            return rows
        if one.answer.note:
            rows += [Row(), *(Row(line, "dim") for line in wrapped(one.answer.note, width))]
        if one.patch is not None:
            rows += [Row(), Row("proposes  ", "dim").add(one_line(one.patch.label), "accent")]
        told = one.question.findings
        for number in one.answer.cites:
            if 0 < number <= len(told):
                rows += [Row(), Row(f"[{number}]", "accent"), *finding_rows(told[number - 1], width)]
        return rows
