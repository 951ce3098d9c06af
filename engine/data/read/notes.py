"""What a person should know of how a file was read, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from engine.data.read.source import Source
from engine.findings import Finding


def notes_of(source: Source) -> Iterator[Finding]:
    """A guessed encoding with the first lines that depend on it, and what a reader remarked."""
    for remark in source.remarks:
        yield Finding(category="dataset_format", severity="note", title=remark, evidence=[str(source.path)])
    encoding, lines = source.encoding, source.guessed
    if not (encoding.guessed and encoding.name and lines):
        return
    yield Finding(
        category="dataset_encoding_or_parse",
        severity="note",
        title=f"Read as {encoding.told}: {len(lines):,} lines are not ASCII",
        confidence=encoding.sure,
        evidence=[f"{source.path}: line {place.rpartition(':')[2]}" for place in lines.first[:3]],
        cause="No byte-order mark tells the encoding, and the text is not UTF-8; its words do.",
        remedy="Look at one of these rows. If letters are wrong: iconv -f ENCODING -t UTF-8 OLD > NEW.",
        count=len(lines),
        places=lines.first,
    )
