"""What the cards of the advisor say: a finding, and a question with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.findings import Finding
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.asking import Exchange
from openlora_tui.glyphs import SEVERITY_ROLE, Glyphs
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_TITLE: Final = 2
"""Lines of a title while its card is not chosen."""
_EVIDENCE: Final = 4
_CAUSE: Final = 3


def finding_card(
    finding: Finding,
    past: Sequence[str],
    width: int,
    glyphs: Glyphs,
    *,
    number: int,
    chosen: bool,
    aside: bool,
) -> list[Row]:
    """The fact; where it is chosen also what shows it, what it comes from, and what would mend it.

    Args:
        number: what answers cite it by; 0 where nothing was asked.
    """
    rows = _title(finding, width, glyphs, number, chosen=chosen, aside=aside)
    if not chosen:
        return rows
    for line in finding.evidence[:2]:
        rows += _said(line, width, "text", _EVIDENCE // 2)
    if finding.cause:
        rows += _said(finding.cause, width, "dim", _CAUSE)
    if finding.patch is not None:
        rows += _change(finding.patch.label, width)
    elif finding.remedy:
        rows += _said(finding.remedy, width, "dim", _CAUSE)
    for line in past:
        rows += _said(line, width, "ok" if line.endswith("that helped") else "dim", 2)
    return rows


def _title(
    finding: Finding, width: int, glyphs: Glyphs, number: int, *, chosen: bool, aside: bool
) -> list[Row]:
    role = "faint" if aside else SEVERITY_ROLE[finding.severity]
    cited = f"[{number}] " if number else ""
    head = f"{cited}{glyphs.severity[finding.severity]} {'aside' if aside else finding.severity} "
    title = one_line(finding.title)
    first, *rest = wrapped(title, width - len(head))
    more = wrapped(title[len(first) :].lstrip(), width - 2) if rest else []
    if not chosen and len(more) >= _TITLE:
        more = [*more[: _TITLE - 2], one_line(" ".join(more[_TITLE - 2 :]), width - 2)]
    words = "faint" if aside else "bright" if chosen else "text"
    rows = [
        Row(cited, "dim").add(head[len(cited) :], role).add(first, words),
        *(Row("  ").add(line, words) for line in more),
    ]
    if chosen and (facts := _facts(finding)):
        rows.append(Row("  ").add(facts, "dim"))
    return rows


def _facts(finding: Finding) -> str:
    """Where and how sure, where that is not plain."""
    step = f"step {finding.step:,}" if finding.step is not None else ""
    sure = f"{figures.percent(finding.confidence)} sure" if finding.confidence < 1 else ""
    return "   ".join(part for part in (step, sure) if part)


def exchange_card(exchange: Exchange, width: int, glyphs: Glyphs, spinner: str, *, chosen: bool) -> list[Row]:
    """The question, then as much of the answer as there is, who gave it, and what it proposes."""
    asked, *more = wrapped(one_line(exchange.question.text), width - 2)
    rows = [Row("› ", "accent").add(asked, "bright"), *(Row("  ").add(line, "bright") for line in more)]
    if exchange.problem is not None:
        parts = [one_line(exchange.problem.get(part, "")) for part in ("what", "why", "do")]
        return rows + _said(" ".join(part for part in parts if part), width, "warn", 6)
    rows += [Row("  ").add(line) for line in wrapped(exchange.text.strip(), width - 2) if exchange.text]
    if exchange.answer is None:
        doing = "" if exchange.text else f" {one_line(exchange.doing) or 'thinking'}"
        return [*rows, Row("  ").add(spinner, "accent").add(doing, "dim")]
    answer = exchange.answer
    if answer.proposal is not None:
        rows += _change(answer.proposal.patch.label, width)
        for warning in answer.proposal.warnings:
            rows += _said(warning, width, "warn", 2)
    by = "by rules" if answer.by == "rules" else "by the local model"
    speed = f"{answer.tokens_per_second:.0f} tok/s" if answer.tokens_per_second else ""
    stopped = "stopped" if answer.cancelled else ""
    rows.append(Row("  ").add(f" {glyphs.dot} ".join(part for part in (by, speed, stopped) if part), "faint"))
    if chosen and answer.note:
        rows += _said(answer.note, width, "dim", 4)
    return rows


def _change(label: str, width: int) -> list[Row]:
    first, *rest = wrapped(one_line(label), width - 4)
    return [
        Row("  ").add("→ ", "accent").add(first, "accent"),
        *(Row("    ").add(one, "accent") for one in rest),
    ]


def _said(text: str, width: int, role: str, most: int) -> list[Row]:
    """A text folded into at most so many lines."""
    lines = wrapped(one_line(text), width - 2)
    if len(lines) > most:
        lines = [*lines[: most - 1], one_line(" ".join(lines[most - 1 :]), width - 2)]
    return [Row("  ").add(line, role) for line in lines]
