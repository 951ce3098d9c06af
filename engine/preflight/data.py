"""The recipe's data, looked at by the inspection as training would read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine.data.checks.model_folder import template_findings
from engine.data.inspect import Inspection
from engine.data.outlook import Counted, outlook
from engine.data.refusal import Refusal
from engine.data.rejects import DROP
from engine.data.rules import rules_of
from engine.data.tokenizer import ModelTokenizer
from engine.findings import Finding
from engine.inspection.report import Report
from engine.preflight.findings import stopped
from engine.preflight.hub import is_offline
from engine.preflight.patches import patch
from engine.preflight.subject import Size, Subject
from engine.problem import Problem
from engine.recipe.fields import FIELDS
from engine.sources.entry import Entry
from engine.sources.resolve import PLACED, NotHere, Purpose, resolve
from engine.sources.tell import fetched_first, told

_PLAIN: Final = "plain template"


class DataLooks:
    """The last look at data, which is gone on with while neither the data nor how it is read changes."""

    def __init__(self) -> None:
        self._key: object = None
        self._look: DataLook | None = None

    def at(self, subject: Subject) -> DataLook:
        """The look at the subject's data."""
        key = _read_as(subject)
        if self._look is None or key != self._key:
            self._key, self._look = key, DataLook(subject)
        self._look.subject = subject
        return self._look


class DataLook:
    """Inspections of `data` and `eval_data`; `steps` goes on with them, `findings` tells at any time."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._unread: Finding | None = None
        recipe, tokenizer = subject.recipe, self._tokenizer()
        self._sources: list[Finding] = []
        """What was decided when the files were found."""
        files, held = self._files(recipe.data_entries, "train"), recipe.eval_entries
        held_files = self._files(held, "eval") if held else []
        compared = self._inspection(held_files, None) if held_files else None
        self.train = self._inspection(files, tokenizer, compared)
        self.held = self._inspection(held_files, tokenizer) if held else None
        self._pieces = self._steps()

    @property
    def _all(self) -> list[Inspection]:
        return [self.train, *([self.held] if self.held is not None else [])]

    def steps(self) -> Iterator[float]:
        """Go on with the look, a piece at a time; each yield is how much is done, 0 to 1."""
        return self._pieces

    def _steps(self) -> Iterator[float]:
        whole = len(self._all)
        for number, inspection in enumerate(self._all):
            for share in inspection.steps():
                yield (number + share) / whole

    @property
    def sampled(self) -> int | None:
        """Rows that were looked at, where they were not all."""
        reports = [inspection.report() for inspection in self._all]
        ended = all(report.done or report.problem is not None for report in reports)
        return None if ended else sum(report.tokenised or report.rows for report in reports)

    def size(self) -> Size:
        """What the run has to learn; an estimate while not all rows are read."""
        recipe, report = self.subject.recipe, self.train.report()
        if not report.files:
            return Size()
        rows = _rows(report, self.subject.max_length)
        if not report.done and rows is not None and report.surveyed > 0:
            rows = round(rows / min(report.surveyed, 1.0))
        found = outlook(recipe, Counted(rows=rows, exact=True, shapes=()))
        return Size(rows=None if rows is None else rows - found.held, held=found.held, steps=found.steps)

    def findings(self) -> Iterator[Finding]:
        """What the inspections have found."""
        yield from self._sources
        if self._unread is not None:
            yield self._unread
        if (tokenizer := self.train.tokenizer) is not None:
            yield from template_findings(tokenizer) if self._talks else []
        trained = list(self._of(self.train))
        yield from trained
        if self.held is not None:
            for finding in self._of(self.held):
                if finding in trained:
                    continue  # it is about the model
                yield msgspec.structs.replace(finding, title=f"eval_data: {finding.title}")
        if self._talks and self.train.report().template == _PLAIN:
            yield Finding(
                category="template_or_special_tokens",
                severity="note",
                title="The model has no chat template: conversations are written in a plain one",
                evidence=[str(self.subject.folder)],
                cause="A base model comes without one, and the adapter learns the plain form.",
                remedy="Nothing for openlora chat; for other programs choose a chat_template that they have.",
            )

    @property
    def _talks(self) -> bool:
        """True where there are conversations."""
        return bool(self.train.report().template)

    def _of(self, inspection: Inspection) -> Iterator[Finding]:
        report = inspection.report()
        if not report.files:
            return  # they are fetched first
        if report.problem is not None:
            said = report.problem
            problem = Problem(said["what"], where=said["where"], why=said["why"], do=said["do"])
            yield stopped("dataset_encoding_or_parse", problem)
        for finding in report.findings(self.subject.max_length):
            yield self._mendable(finding)

    def _mendable(self, finding: Finding) -> Finding:
        """The finding as it is for this recipe: what its values change about it, and what would mend it."""
        recipe, change = self.subject.recipe, finding.patch
        if finding.severity == "blocker" and finding.count:
            if recipe.bad_rows == DROP:
                return msgspec.structs.replace(finding, severity="warning")
            change = change or patch(recipe, bad_rows=DROP)
            return msgspec.structs.replace(finding, patch=change)
        at_end = self.subject.context is not None and self.subject.max_length >= self.subject.context
        if at_end and change is not None and "max_length" in change.recipe:
            remedy = "Shorten these rows, or take a model with a longer context."
            return msgspec.structs.replace(finding, patch=None, remedy=remedy)
        return finding

    def _tokenizer(self) -> ModelTokenizer | None:
        folder = self.subject.folder
        if folder is None or not (folder / "tokenizer.json").is_file():
            return None
        try:
            return ModelTokenizer(folder, rules=rules_of(self.subject.recipe))
        except Refusal as refusal:
            self._unread = stopped(refusal.category, refusal)
            return None

    def _files(self, entries: Sequence[Entry], purpose: Purpose) -> list[Path]:
        """What the entries name; nothing while some of it is still on the hub."""
        try:
            sources = resolve(entries, purpose, folder=PLACED, env=self.subject.env)
        except NotHere as absent:
            first = fetched_first(absent.entry)
            offline = is_offline(self.subject.env)
            self._sources.append(msgspec.structs.replace(first, severity="blocker") if offline else first)
            return []
        self._sources += told(sources, offered=purpose == "train" and not self.subject.recipe.eval_entries)
        return [source.path for source in sources.files]

    def _inspection(
        self, files: Sequence[Path], tokenizer: ModelTokenizer | None, held: Inspection | None = None
    ) -> Inspection:
        recipe = self.subject.recipe
        found = Inspection(
            files,
            tokenizer,
            model=recipe.model,
            max_length=self.subject.max_length,
            data_format=recipe.data_format,
            mapping=recipe.mapping,
            pairs=recipe.paired,
            held=held,
        )
        found.report().bad_rows = recipe.bad_rows
        return found


def _rows(report: Report, max_length: int) -> int | None:
    """Rows that would be learnt; of plain text its windows, None where only a tokenizer would know them."""
    lengths = report.lengths
    if report.format == "text" or lengths.streams or lengths.documents:
        return sum(lengths.counts(max_length).values()) if report.counted else None
    return max(report.examples - len(report.losses.vanished) - len(report.losses.dropped), 0)


def _read_as(subject: Subject) -> object:
    """Everything that decides what is found in the data."""
    recipe = subject.recipe
    fields = [repr(getattr(recipe, field.name)) for field in FIELDS if field.section == "what"]
    facts = [_facts_of(path) for path in (*_there(recipe.data_entries), *_there(recipe.eval_entries, "eval"))]
    return fields, facts, subject.max_length, subject.folder


def _there(entries: Sequence[Entry], purpose: Purpose = "train") -> list[Path]:
    try:
        return [source.path for source in resolve(entries, purpose, folder=PLACED).files]
    except Problem:
        return []


def _facts_of(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return None
    return facts.st_size, facts.st_mtime_ns
