"""What was asked and answered, as rows: model and adapter beside each other where there is room."""

from __future__ import annotations

from engine.chat.spoken import Side
from engine.text import one_line
from openlora_tui.conversation import Answer, Conversation, Exchange
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

BESIDE = 72
"""Columns from which two answers stand beside each other; below it, one under the other."""
_GAP = 3
_READABLE = 100
"""Columns of a line that an eye still follows."""
_Key = tuple[int, int, bool, str]


class Transcript:
    """Writes a conversation; an exchange that has ended is written once for a width."""

    def __init__(self) -> None:
        self._written: dict[_Key, list[Row]] = {}

    def rows(self, conversation: Conversation, width: int, glyphs: Glyphs, spinner: str) -> list[Row]:
        """All rows, the oldest exchange first."""
        rows: list[Row] = []
        kept: dict[_Key, list[Row]] = {}
        named = conversation.two_sided
        for exchange in conversation.exchanges:
            key = (exchange.number, width, named, glyphs.wall)
            written = self._written.get(key)
            if written is None:
                written = _exchange(exchange, width, glyphs, spinner, named=named)
            if exchange.ended:
                kept[key] = written
            rows += written
        self._written = kept
        return rows


def _exchange(exchange: Exchange, width: int, glyphs: Glyphs, spinner: str, *, named: bool) -> list[Row]:
    rows = [
        Row("> " if i == 0 else "  ", "bold accent").add(line, "bright")
        for i, line in enumerate(wrapped(exchange.prompt, width - 2))
    ]
    blocks = list(exchange.answers.items())
    if len(blocks) == 2 and width >= BESIDE:
        column = (width - 2 - _GAP) // 2
        left, right = (_answer(side, answer, column, glyphs, spinner, named=True) for side, answer in blocks)
        return [*rows, *_beside(left, right, column, glyphs), Row()]
    for side, answer in blocks:
        written = _answer(side, answer, min(width - 2, _READABLE), glyphs, spinner, named=named)
        rows += [Row("  ").join(row) for row in written]
    return [*rows, Row()]


def _beside(left: list[Row], right: list[Row], column: int, glyphs: Glyphs) -> list[Row]:
    rows = []
    for i in range(max(len(left), len(right))):
        row = Row("  ").join(left[i] if i < len(left) else Row()).to(2 + column)
        row.add(f" {glyphs.wall} ", "faint")
        rows.append(row.join(right[i] if i < len(right) else Row()))
    return rows


def _answer(
    side: Side, answer: Answer, width: int, glyphs: Glyphs, spinner: str, *, named: bool
) -> list[Row]:
    rows = [Row(side, "bold ok" if side == "adapter" else "bold dim")] if named else []
    text = answer.text.strip() if answer.ended else answer.text.lstrip()
    rows += [Row(line) for line in wrapped(text, width)] if text else []
    if answer.problem is not None:
        return rows + _problem(answer.problem, width)
    if not answer.ended:
        if not text:
            doing = "answering" if answer.begun is not None else "reading the prompt"
            return [*rows, Row(f"{spinner} ", "accent").add(doing, "dim")]
        rows[-1] = Row().join(rows[-1]).add(glyphs.cursor, "accent")
        return rows
    if not text:
        rows.append(Row("(nothing)", "dim"))
    return rows + [Row(line, "dim") for line in wrapped(answer.remark, width)]


def _problem(problem: dict[str, str], width: int) -> list[Row]:
    rows = [Row(line, "bold bad") for line in wrapped(one_line(problem.get("what", "")), width)]
    for name in ("why", "do"):
        if problem.get(name):
            rows += [Row(line) for line in wrapped(one_line(problem[name]), width)]
    return rows
