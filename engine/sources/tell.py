"""The findings that say what was decided when the files of some data were found."""

from __future__ import annotations

import msgspec

from engine.findings import Finding, Patch
from engine.inspection.report import Report
from engine.sources.entry import Entry, short
from engine.sources.resolve import Sources, pull_words
from engine.text import one_line


def tell(report: Report, sources: Sources) -> None:
    """Put into the report of an inspection what was decided when its files were found."""
    report.told = told(sources)
    for file, source in zip(report.files, sources.files, strict=True):
        file.weight = source.weight


def told(sources: Sources, *, offered: bool = True) -> list[Finding]:
    """A note for each decision, and with `offered` the split that evaluation could be measured on."""
    found = [
        Finding(category="dataset_format", severity="note", title=one_line(line, 300))
        for line in sources.said
    ]
    if offered and sources.offer is not None:
        value, words = msgspec.to_builtins(short(sources.offer)), str(sources.offer)
        found.append(
            Finding(
                category="dataset_format",
                severity="note",
                title=f"It has a split {sources.offer.split} to measure on",
                cause="Rows of the training data are held out where eval_data names none.",
                remedy=f"Set eval_data: {words}",
                patch=Patch(label=f"eval_data {words}", recipe={"eval_data": value}),
            )
        )
    return found


def fetched_first(entry: Entry) -> Finding:
    """A note that a dataset is still on the hub."""
    return Finding(
        category="dataset_format",
        severity="note",
        title=f"The dataset {one_line(entry.path, 100)} is fetched from the hub before the run begins",
        cause="It is not on this machine, so nothing is known of its rows yet.",
        remedy=f"To look at it before: {pull_words(entry)}",
    )
