"""Looks at data files a piece at a time: the head first, then every row, then every token."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.data.again import back, taken
from engine.data.checks.checks import Checks
from engine.data.checks.columns import column_findings
from engine.data.checks.seen import seen
from engine.data.encode import Draft, Labelled, chunks, draft, endless, labelled
from engine.data.examples import Examples, first_rows
from engine.data.numbers import Numbers
from engine.data.read.index import RowIndex
from engine.data.read.notes import notes_of
from engine.data.read.rows import is_text, rows_of
from engine.data.read.table import RowTable
from engine.data.refusal import Bad, Refusal, passed_over
from engine.data.rejects import Keep, count_reason, text_of
from engine.data.row import Row
from engine.data.shapes import CHATS, Document, Example
from engine.data.show import following, shown, shown_line
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.losses import EMPTY, ENDLESS, refused
from engine.inspection.report import Column, FileReport, Report
from engine.inspection.talk import Shown
from engine.mapping.mapping import Mapping

_HEAD: Final = 64
_SAMPLE: Final = 2000
_SAMPLE_SECONDS: Final = 0.6
"""Rows that the first verdict is of, and the seconds that looking at them and tokenising may each take."""
_AT_ONCE: Final = 256
"""Rows tokenised in one piece: a request of the front end waits for no more."""
_SURVEYED: Final = 256
"""Rows that are looked at in one piece: a request of the front end waits for no more."""
_KINDS: Final[dict[type, str]] = {str: "text", bool: "flag", list: "list", dict: "object"}
_QUICK: Final = 200_000
"""Rows among which duplicates are counted anew for each report; of more, once they are all read."""


class Inspection:
    """What is known of some files; `steps` finds out more, and `report` tells at any time.

    Args:
        files: data files as `engine.data.read.rows` reads them.
        tokenizer: the model's; None leaves out all figures of tokens.
        model: the name by which the report calls it.
        max_length: tokens after which training cuts a row.
        data_format: the shape of the rows, `auto` to recognise it.
        mapping: what makes rows of a shape out of other columns.
        pairs: rows have to be pairs; what is measured is their chosen side.
        held: of the evaluation data, which these files may give away; it is read when these have been.
    """

    def __init__(
        self,
        files: Sequence[Path],
        tokenizer: ModelTokenizer | None = None,
        *,
        model: str = "",
        max_length: int = 1024,
        data_format: str = "auto",
        mapping: Mapping | None = None,
        pairs: bool = False,
        held: Inspection | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.indices = [RowIndex(path) for path in files]
        self.table = RowTable(self.indices)
        """All rows that were met."""
        self._examples = [Examples(data_format, mapping, pairs=pairs) for _ in self.indices]
        self._known: set[int] = set()
        """Files of which the shape is decided."""
        self.checks = Checks(partial(back, self), tokenizer)
        self.held = held
        if held is not None:
            self.checks.hold(partial(taken, self), partial(taken, held), partial(back, held))
        self.keep: Keep | None = None
        """Is given each row that training would refuse."""
        self.numbers = Numbers()
        """Which rows something was found in."""
        self._counted = (0, False)
        """Rows of the last report, and whether they were all."""
        self._surveyed = False
        self._report = Report(
            files=[FileReport(path=str(path), size=_size(path)) for path in files],
            model=model if tokenizer is not None else "",
            max_length=max_length,
        )
        if tokenizer is not None:
            self._report.lengths.prefix = len(tokenizer.prefix)
            self._report.truncation = tokenizer.rules.truncation

    def report(self) -> Report:
        """What is known now; the same object each time."""
        report = self._report
        duplicates = self.checks.duplicates
        now = duplicates.rows, self._surveyed
        if now != self._counted and (now[0] < _QUICK or self._surveyed):
            report.exact_duplicates, self._counted = duplicates.exact(), now
            report.near_duplicates = duplicates.near
        report.checked = self.checks.findings(whole=self._surveyed)
        if self._surveyed:
            report.checked += column_findings(report)
        report.said = [finding for examples in self._examples for finding in examples.findings()]
        return report

    def steps(self) -> Iterator[float]:
        """Do the work in small pieces, each followed by how much is done, 0 to 1.

        A file that cannot be read ends it: the problem is in the report, with what was found before.
        """
        try:
            survey, tokens = self._survey(), self._count_tokens()
            self._sample(survey, tokens)
            yield 0.0
            share = 0.2 if self.tokenizer is not None else 1.0
            for done in survey:
                yield done * share
            for done in tokens:
                yield share + done * (1 - share)
        except Refusal as refusal:
            self._report.problem = refusal.as_dict()
            return
        self._report.done = self._report.problem is None

    def _sample(self, survey: Iterator[float], tokens: Iterator[float]) -> None:
        """Look at the first rows and count their tokens, for a first verdict in a moment."""
        end = time.monotonic() + _SAMPLE_SECONDS
        while self._report.rows < _SAMPLE and time.monotonic() < end and next(survey, None) is not None:
            pass
        if any(examples.gathers for examples in self._examples):
            return  # a conversation is known once all rows of its file were met
        end = time.monotonic() + _SAMPLE_SECONDS
        while self._report.tokenised < self._report.rows and time.monotonic() < end:
            if next(tokens, None) is None:
                return

    # --- every row ---

    def _survey(self) -> Iterator[float]:
        """Rows, columns, duplicates, and where each row begins."""
        whole = sum(file.size for file in self._report.files) or 1
        before = 0
        for number, index in enumerate(self.indices):
            file, first = self._report.files[number], self.table.first(number)
            examine = self._examine_line if is_text(index.path) else self._examine
            broken: list[Refusal] = []
            try:
                for row in index.read(self._break(broken)):
                    examine(number, row, first + index.count)
                    file.rows = index.count + 1
                    if file.rows % _SURVEYED == 0:
                        self._report.surveyed = (before + index.share * file.size) / whole
                        yield self._report.surveyed
            except Refusal as refusal:
                if not index.count:
                    raise
                self._report.problem = refusal.as_dict()
            if broken and not index.count:
                self._report.broken.clear()
                raise broken[0]
            file.encoding = index.source.encoding.told
            self._report.told += notes_of(index.source)
            for at, row, example in self._examples[number].finish():
                self._take(row, example, first + at)
                if at % _SURVEYED == 0:
                    yield self._report.surveyed
            self._report.shapes = dict(
                sum((Counter(examples.counts) for examples in self._examples), Counter())
            )
            before += file.size
            self._report.surveyed = before / whole
            yield self._report.surveyed
        self._report.surveyed = 1.0
        for _ in self.checks.steps():
            yield 1.0
        self._surveyed = True

    def _examine_line(self, number: int, row: Row, at: int) -> None:
        self._report.files[number].format = "text"
        self._report.examples += 1
        self._look(row.values)
        self.checks.add_line(seen(row, Document(row.values["text"]), at))

    def _examine(self, number: int, row: Row, at: int) -> None:
        self._look(row.values)
        self.checks.duplicates.meet(at, row.values)
        try:
            for made, example in self.read_as(number).feed(row):
                self._take(made, example, at)
        except Refusal as refusal:
            self._reject(row, refusal, at)

    def _take(self, row: Row, example: Example | Refusal | None, at: int) -> None:
        if isinstance(example, Refusal):
            self._reject(row, example, at)
        elif example is None:
            self._report.losses.empty.add(row.where)
            self.numbers.found(EMPTY, at)
        else:
            self._report.examples += 1
            self.checks.add(seen(row, example, at))

    def _look(self, values: dict[str, Any]) -> None:
        columns = self._report.columns
        for name, value in values.items():
            kind = _kind(value)
            kinds = columns.setdefault(name, Column()).kinds
            kinds[kind] = kinds.get(kind, 0) + 1

    def _break(self, first: list[Refusal]) -> Bad:
        """Counts rows that cannot be read, and keeps the first one."""

        def bad(refusal: Refusal) -> None:
            first[:] = first or [refusal]
            if self.keep is not None:
                self.keep(refusal, refusal.where, refusal.raw)
            found = next((r for r in self._report.broken if r.what == refusal.what), None)
            count_reason(self._report.broken, refusal, refusal.where, found)

        return bad

    def _reject(self, row: Row, refusal: Refusal, at: int) -> None:
        if self.keep is not None:
            self.keep(refusal, row.where, text_of(row))
        reasons = self._report.rejected
        found = next((r for r in reasons if (r.what, r.why) == (refusal.what, refusal.why)), None)
        count_reason(reasons, refusal, row.where, found)
        self.numbers.found(refused(refusal.what), at)

    def example(self, number: int, row: Row) -> Example | None:
        """A row of file `number` as training reads it; None where it has no answer, or a filter keeps it out.

        Where a mapping makes several of it, this is the first; where it is a turn, its conversation.

        Raises:
            Refusal: training would refuse the row.
        """
        return next(iter(self.examples(number, row)), None)

    def examples(self, number: int, row: Row) -> list[Example | None]:
        """Everything that training makes of a row of file `number`; raises Refusal as `example` does."""
        return self.read_as(number).of(row)

    def read_as(self, number: int) -> Examples:
        """What reads the rows of a file; its first rows decide how."""
        examples = self._examples[number]
        if number in self._known:
            return examples
        self._known.add(number)
        index = self.indices[number]
        examples.decide(self.head(number))
        self._report.files[number].format = examples.shape
        if examples.unused:
            self._report.ignored[str(index.path)] = examples.unused
        if examples.shape in CHATS and self.tokenizer is not None:
            self._report.template = self.tokenizer.template_name
        return examples

    def head(self, number: int) -> list[Row]:
        """The first rows of a file, as many as decide a shape; none of a file that there is not."""
        if not 0 <= number < len(self.indices) or is_text(self.indices[number].path):
            return []
        return first_rows(rows_of(self.indices[number].source, bad=passed_over))

    # --- any row ---

    def show(self, row: int, max_length: int) -> Shown:
        """One row as the model sees it; the caller knows that there is such a row."""
        here = self.table.rows(row, 1)
        if not here:
            raise Refusal("dataset_format", "The file has changed, and the row is gone.", do="Open it again.")
        [(number, found)] = here
        path = self.indices[number].path
        if is_text(path):
            text = following(self.indices[number], found, max_length)
            return shown_line(row, found, text, self.tokenizer, max_length)
        try:
            example = self.example(number, found)
        except Refusal as refusal:
            plain = shown(row, found, None, None, max_length)
            return msgspec.structs.replace(plain, note=f"{refusal.what} {refusal.why}".strip())
        return shown(row, found, example, self.tokenizer, max_length)

    # --- every token ---

    def _count_tokens(self) -> Iterator[float]:
        if self.tokenizer is None:
            return
        whole = sum(file.size for file in self._report.files) or 1
        before = 0
        for number, index in enumerate(self.indices):
            count = self._count_stream if is_text(index.path) else self._count_rows
            with suppress(Refusal):  # the survey has told where the file breaks off
                for row in count(number, index, self.tokenizer):
                    yield (before + self._report.files[number].size * row / max(index.count, 1)) / whole
            before += self._report.files[number].size

    def _count_stream(self, number: int, index: RowIndex, tokenizer: ModelTokenizer) -> Iterator[int]:
        streams = self._report.lengths.streams
        streams.append(0)
        for piece in rows_of(index.source, bad=passed_over):
            [encoding] = tokenizer.encode_many([piece.values["text"]])
            streams[-1] += len(encoding.ids)
            self._report.tokenised = piece.line
            yield piece.line - 1

    def _count_rows(self, number: int, index: RowIndex, tokenizer: ModelTokenizer) -> Iterator[int]:
        size = _HEAD
        waiting: deque[int] = deque()
        first = self._report.tokenised
        drafts = self._drafts(number, index, tokenizer, waiting)
        while made := next(chunks(drafts, size), None):
            for each in labelled(made, tokenizer):
                self._count(each, tokenizer, waiting.popleft())
            yield self._report.tokenised - first
            size = _AT_ONCE

    def _count(self, row: Labelled, tokenizer: ModelTokenizer, at: int) -> None:
        report, mask = self._report, row.mask
        self.checks.add_tokens(row, at)
        report.tokenised += 1
        report.losses.rows += 1
        self.numbers.measure(at, len(row.ids))
        if row.made.spans is None:
            report.lengths.add_document(len(row.ids))
            return
        report.lengths.add(mask)
        if endless(row.made, row.ids, mask, tokenizer):
            report.losses.endless += 1
            self.numbers.found(ENDLESS, at)
        keep = row.keep(tokenizer, report.max_length)
        if keep is None:
            report.losses.dropped.add(row.made.row.where)
        elif 0 in keep:
            left = bytearray(compress(mask, keep)).count(1)
            report.losses.truncated_rows += 1
            report.losses.truncated_answer_tokens += mask.count(1) - left
            if not left:
                report.losses.vanished.add(row.made.row.where)

    def _drafts(
        self, number: int, index: RowIndex, tokenizer: ModelTokenizer, numbers: deque[int]
    ) -> Iterator[Draft]:
        """Rows as texts, their numbers put into `numbers`; what the survey refuses too is passed over."""
        for at, row, example in self._anew(number, index):
            try:
                made = draft(row, example, tokenizer)
            except Refusal as refusal:
                self._reject(row, refusal, at)
                continue
            numbers.append(at)
            self.checks.add_turns(row.where, example, at)
            yield made

    def _anew(self, number: int, index: RowIndex) -> Iterator[tuple[int, Row, Example]]:
        """What the survey of a file took, once more; conversations are still gathered from it."""
        first = self.table.first(number)
        if self._examples[number].gathers:
            gathered = self._examples[number].gathered()
            yield from ((first + at, row, each) for at, row, each in gathered if isinstance(each, Example))
            return
        for at, row in enumerate(rows_of(index.source, bad=passed_over), first):
            with suppress(Refusal):
                yield from ((at, row, each) for each in self.examples(number, row) if each is not None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # ValueError for a null character
        return 0


def _kind(value: object) -> str:
    if value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip()):
        return "empty"
    return _KINDS.get(type(value), "number")
