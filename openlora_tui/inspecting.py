"""The app's end of a data inspection: what is known, the rows that were sent, and what is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from engine.findings import Finding
from engine.inspection import talk
from engine.inspection.lengths import Lengths
from engine.inspection.losses import Losses
from engine.inspection.report import Report, broken_off
from engine.mapping.preview import Preview
from openlora_tui.session import Session, Talk
from openlora_tui.trail import Dismissed

_BLOCK: Final = 64
"""Rows asked for at once."""
_BLOCKS: Final = 64
"""Blocks kept; the one that was not looked at for longest goes first."""


@runtime_checkable
class Watching(Protocol):
    """A dialogue that shows what comes of the inspection behind it."""

    def show(self) -> None:
        """Paint what is known now."""


class View(msgspec.Struct, frozen=True):
    """What the table shows in place of all rows in their order."""

    number: int
    rows: list[int]
    """Row numbers, by their places in the table."""
    finding: str = ""
    """The `Finding.check` whose rows alone are shown."""
    by: str = ""
    down: bool = False
    note: str = ""
    """Of how many these are the first."""


class _Block(msgspec.Struct):
    """Neighbouring rows; without cells while they are on their way."""

    columns: list[str] = []
    cells: list[list[str | None]] | None = None
    tokens: list[int | None] = []


class Inspecting:
    """One inspection after another; `changed` is called whenever there is something new to paint."""

    def __init__(self, session: Callable[[], Session], changed: Callable[[], None]) -> None:
        self.spec: talk.Spec | None = None
        self.report: Report | None = None
        self.share = 0.0
        self.problem: dict[str, str] | None = None
        """Why the inspection ended, or why its end of the data was not reached."""
        self.max_length = 1024
        """What the rows are judged by; the inspection's own is in `spec`."""
        self.shown: talk.Shown | None = None
        self.sought: talk.Sought | None = None
        self.view: View | None = None
        self.members: dict[str, talk.Gathered] = {}
        """The rows of the findings that were asked for."""
        self.dismissed = Dismissed()
        self.preview: Preview | None = None
        """What the mapping that was tried last makes of the first rows."""
        self.mending: talk.Mended | None = None
        """How far the writing of a new dataset is; None where none is written."""
        self._views = 0
        self._session = session
        self._changed = changed
        self._talk: Talk | None = None
        self._blocks: OrderedDict[int, _Block] = OrderedDict()
        self._asked: tuple[int, int] | None = None

    # --- one inspection ---

    def begin(self, spec: talk.Spec) -> None:
        """Look at other data, or at the same once more."""
        self.end()
        self.spec, self.max_length = spec, spec.max_length
        self.report, self.share, self.problem = None, 0.0, None
        self.shown, self.sought, self._asked, self.view = None, None, None, None
        self.members.clear()
        self.mending = None
        self.preview = None
        self.dismissed = Dismissed(spec.files)
        self._blocks.clear()
        self._talk = self._session().begin("inspect", talk.encode(spec), self._said, self._ended)

    def end(self) -> None:
        """Let the side job go."""
        if self._talk is not None:
            self._talk.end()
            self._talk = None

    @property
    def live(self) -> bool:
        """True while the side job answers."""
        return self._talk is not None and self._talk.live

    @property
    def rows(self) -> int:
        """Rows met so far."""
        return self.report.rows if self.report is not None else 0

    @property
    def count(self) -> int:
        """Rows that the table shows."""
        return self.rows if self.view is None else len(self.view.rows)

    def number(self, place: int) -> int:
        """The number of the row at a place of the table, from 0."""
        return self.view.rows[place] if self.view is not None and place < len(self.view.rows) else place

    def place(self, number: int) -> int | None:
        """Where in the table a row is; None where it is not shown."""
        if self.view is None:
            return number if number < self.rows else None
        return self.view.rows.index(number) if number in self.view.rows else None

    @property
    def lengths(self) -> Lengths | None:
        """The counts of lengths, None where tokens are not counted."""
        return self.report.lengths if self.report is not None and self.report.counted else None

    @property
    def losses(self) -> Losses | None:
        """What is lost at the `max_length` chosen; None where tokens are not counted."""
        if self.report is None or self.lengths is None:
            return None
        return self.lengths.losses(self.max_length, self.report.losses)

    @property
    def findings(self) -> list[Finding]:
        """The findings at the `max_length` chosen."""
        if self.report is None:
            return []
        found = self.report.findings(self.max_length)
        told = self.problem is None or self.problem == self.report.problem
        return found if told else [broken_off(self.problem or {}), *found]

    @property
    def heeded(self) -> list[Finding]:
        """The findings that were not put aside."""
        return [finding for finding in self.findings if finding not in self.dismissed]

    # --- rows ---

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order in which they were met."""
        return list(self.report.columns) if self.report is not None else []

    def cells(self, row: int) -> Sequence[str | None] | None:
        """The values of the row at a place, in the order of `columns`; None while they are on their way."""
        block = self._blocks.get(row // _BLOCK)
        at = row % _BLOCK
        if block is None or block.cells is None or at >= len(block.cells):
            return None
        return block.cells[at]

    def tokens(self, row: int) -> int | None:
        """Tokens of the row at a place, where they are known."""
        block = self._blocks.get(row // _BLOCK)
        at = row % _BLOCK
        return block.tokens[at] if block is not None and at < len(block.tokens) else None

    def want(self, first: int, last: int) -> None:
        """Ask for the rows of a view that are not here yet."""
        for number in range(first // _BLOCK, last // _BLOCK + 1):
            block = self._blocks.get(number)
            if block is not None:
                self._blocks.move_to_end(number)
                known = len(block.cells) if block.cells is not None else _BLOCK
                if number * _BLOCK + known > min(last, self.count - 1) or known == _BLOCK:
                    continue
            self._blocks[number] = block or _Block()
            self._tell(talk.Window(first=number * _BLOCK, count=_BLOCK, view=self._seen))
        while len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)

    def show(self, row: int) -> None:
        """Ask for the row of a number as the model sees it, unless it has been asked for."""
        if self._asked != (row, self.max_length):
            self._asked = (row, self.max_length)
            self._tell(talk.Show(row=row, max_length=self.max_length))

    def seek(self, text: str, start: int, way: int) -> None:
        """Ask for the next place of the table with `text`."""
        self.sought = talk.Sought(text=text, row=None, at=start, ended=False)
        self._tell(talk.Seek(text=text, start=start, way=way, view=self._seen))

    @property
    def _seen(self) -> int:
        return self.view.number if self.view is not None else 0

    def propose(self) -> None:
        """Ask what the columns of the first file most likely mean."""
        self._tell(talk.Propose())

    def try_mapping(self, mapping: dict[str, Any] | None) -> None:
        """Ask what a mapping makes of the first rows."""
        self._tell(talk.Try(mapping=mapping))

    def mend(self, words: Sequence[str], target: str) -> None:
        """Ask for a new dataset."""
        self.mending = talk.Mended(share=0.0)
        self._tell(talk.Mend(words=list(words), target=target, max_length=self.max_length))

    # --- some rows, or all in another order ---

    def ask_members(self, finding: Finding) -> None:
        """Ask for the numbers of a finding's rows, once."""
        known = self.members.get(finding.check)
        if finding.check and (known is None or (finding.count or 0) > len(known.rows)):
            self._tell(self._gather(finding, "", down=False, view=0))

    def arrange(self, finding: Finding | None, by: str, *, down: bool) -> None:
        """Show the rows of a finding alone, or all, sorted or not; the table changes when they have come."""
        if finding is None and not by:
            self._look(None)
            return
        self._views += 1
        self._tell(self._gather(finding, by, down=down, view=self._views))

    def _gather(self, finding: Finding | None, by: str, *, down: bool, view: int) -> talk.Gather:
        check, places = (finding.check, finding.places) if finding is not None else ("", [])
        return talk.Gather(
            finding=check, places=places, by=by, down=down, max_length=self.max_length, view=view
        )

    def _look(self, view: View | None) -> None:
        self.view = view
        self._blocks.clear()

    def _tell(self, request: talk.Request) -> None:
        if self._talk is not None:
            self._talk.tell(talk.encode(request))

    # --- what comes ---

    def _said(self, body: bytes) -> None:
        match answer := talk.answer(body):
            case talk.Told():
                self.report, self.share = answer.report, answer.share
                self.problem = answer.report.problem
            case talk.Cells():
                block = self._blocks.get(answer.first // _BLOCK)
                if block is not None and answer.view == self._seen:
                    block.columns, block.cells = answer.columns, answer.rows
            case talk.Counted():
                block = self._blocks.get(answer.first // _BLOCK)
                if block is not None and answer.view == self._seen:
                    block.tokens = answer.tokens
            case talk.Shown():
                self.shown = answer
            case talk.Sought():
                if self.sought is not None and self.sought.text == answer.text:
                    self.sought = answer
            case talk.Gathered():
                self._gathered(answer)
            case talk.Mended():
                self.mending = answer
            case talk.Previewed():
                self.preview = answer.preview
        self._changed()

    def _gathered(self, answer: talk.Gathered) -> None:
        if not answer.view:
            self.members[answer.finding] = answer
        elif answer.view == self._views:
            self._look(View(answer.view, answer.rows, answer.finding, answer.by, answer.down, answer.note))

    def _ended(self, problem: dict[str, str] | None) -> None:
        if problem is not None:
            self.problem = problem
        self._changed()
