"""Findings as lines for people, the gravest first, each with the words that would mend it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from engine.findings import SEVERITIES, Finding, Patch, Severity
from engine.text import one_line
from openlora_tui import figures


def finding_lines(findings: Iterable[Finding], data: str) -> list[str]:
    """All of them by severity, an empty line behind each; `data` names the data in commands."""
    told: list[str] = []
    known = list(findings)
    for severity in SEVERITIES:
        of_it = [finding for finding in known if finding.severity == severity]
        if of_it:
            told += [counted(len(of_it), severity).upper(), ""]
            for finding in of_it:
                told += [*_lines_of(finding, data), ""]
    return told


def counted(count: int, severity: Severity) -> str:
    """`2 warnings`."""
    return f"{count} {severity}{'' if count == 1 else 's'}"


def words(data: Iterable[str]) -> str:
    """Names of data as a command line has them."""
    return " ".join(shlex.quote(one_line(name)) for name in data)


def _lines_of(finding: Finding, data: str) -> Iterator[str]:
    sure = f"  ({figures.percent(finding.confidence)} sure)" if finding.confidence < 1 else ""
    yield f"  {one_line(finding.title)}{sure}"
    for text in finding.evidence:
        yield f"      {one_line(text)}"
    for text in (finding.cause, finding.remedy):
        if text:
            yield f"    {one_line(text)}"
    if finding.patch is not None:
        yield f"    > {_patched(finding.patch, data)}"


def _patched(patch: Patch, data: str) -> str:
    """What would apply the patch, as words of a command."""
    if patch.recipe:
        return " ".join(
            f"--set {shlex.quote(f'{name}={_written(value)}')}" for name, value in patch.recipe.items()
        )
    asked = " ".join(f"--apply {shlex.quote(word)}" for word in patch.data)
    return f"openlora inspect {data} {asked} -o NEW.jsonl"


def _written(value: object) -> str:
    from engine.recipe.edit import written

    return "null" if value is None else value if isinstance(value, str) else written(value)
