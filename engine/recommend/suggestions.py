"""What to do about the data before it is learnt: other rows, more rows, or the same rows in another form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.findings import Finding, Patch
from engine.recipe.recipe import Recipe
from engine.recommend.situation import Situation

_FEW: Final = 200
"""Rows below which more of them help most: OpenAI's guide sees improvements from 50 to 100 on, LIMA took
1,000."""
_SHORT: Final = 8
"""Learnt tokens of a row below which hardly more than a label is learnt."""
_MANY: Final = 500
_THIN: Final = 0.05
"""Share of the tokens that is learnt below which most of the time goes into prompts."""
_TOLD: Final = 5
_DATA: Final = frozenset({"duplicates", "leakage", "imbalance", "placeholder", "quality", "pii"})
"""What the inspection finds that other rows would mend; what is too long is judged here."""


def suggest(situation: Situation, recipe: Recipe) -> Iterator[Finding]:
    """What the data calls for, the gravest of the inspection's findings first."""
    mendable = [
        finding for finding in situation.findings
        if finding.severity == "blocker" or (finding.category in _DATA and finding.severity == "warning")
    ]  # fmt: skip
    yield from mendable[:_TOLD]
    yield from _more(situation)
    yield from _longer(situation, recipe)
    yield from _thin(situation, recipe)
    yield from _spoken(situation)


def _more(situation: Situation) -> Iterator[Finding]:
    rows = situation.rows
    if rows is None or rows >= _FEW or situation.is_text:
        return
    yield Finding(
        category="empty_or_tiny_dataset",
        severity="note",
        title=f"With {rows:,} rows, more rows will help more than any setting",
        confidence=0.7,
        evidence=[
            f"{rows:,} rows; improvements show from 50 to 100 good rows on, and LIMA (2023) took 1,000"
        ],
        cause="So few rows are learnt by heart, and the run can only choose when to stop.",
        remedy="Augment them: ask each question in three other ways, give two good answers where two are "
        "right, and add cases that the model gets wrong today. Held-out rows stay as they are.",
    )


def _longer(situation: Situation, recipe: Recipe) -> Iterator[Finding]:
    lengths, most = situation.lengths, recipe.max_length
    cut = lengths.truncated_rows(most)
    if cut:
        yield Finding(
            category="truncation",
            severity="warning",
            title=f"{cut:,} rows are longer than {most:,} tokens and would be cut",
            evidence=[f"{lengths.truncated_answer_tokens(most):,} learnt tokens would be lost"],
            cause="Where an answer loses its end, the model learns not to stop.",
            remedy="Restructure them: split long contexts into rows of their own, each with its question, or "
            "leave them out with truncation: drop.",
            count=cut,
            patch=Patch(label=f"truncation {recipe.truncation} -> drop", recipe={"truncation": "drop"}),
        )
    documents = sum(rows for tokens, rows in lengths.documents.items() if tokens > most)
    if documents:
        yield Finding(
            category="truncation",
            severity="note",
            title=f"{documents:,} documents are longer than {most:,} tokens: windows begin in mid-sentence",
            evidence=[f"the longest has {max(lengths.documents):,} tokens"],
            cause="A window that begins anywhere teaches to continue what it cannot see.",
            remedy="Restructure them: cut documents at the ends of sentences.",
            count=documents,
            patch=Patch(label=f"split documents at {most:,} tokens", data=[f"split={most}"]),
        )


def _thin(situation: Situation, recipe: Recipe) -> Iterator[Finding]:
    """Much is read and little of it learnt."""
    rows, tokens = situation.rows, situation.tokens()
    if situation.is_text or situation.pairs or not rows or not tokens or rows < _MANY:
        return
    learnt = situation.learnt(recipe.max_length)
    if not learnt or learnt / tokens >= _THIN:
        return
    short = learnt / rows < _SHORT
    yield Finding(
        category="quality",
        severity="note",
        title=f"Only {learnt / tokens:.1%} of the tokens are learnt: {learnt / rows:.1f} a row",
        confidence=0.8,
        evidence=[f"{learnt:,} learnt tokens of {tokens:,} in {rows:,} rows"],
        cause="A step costs what its prompts cost, and teaches what its answers hold.",
        remedy="Restructure them: "
        + (
            "let the answer give its reason before the label, or put several cases into one conversation."
            if short
            else "put several questions about one context into one conversation (messages)."
        ),
    )


def _spoken(situation: Situation) -> Iterator[Finding]:
    """Plain text for a model that answers."""
    name = situation.recipe.model.lower()
    tuned = any(word in name for word in ("instruct", "chat", "-it", "assistant"))
    if not (situation.is_text and tuned):
        return
    yield Finding(
        category="template_or_special_tokens",
        severity="note",
        title="The rows are plain text, and the model was tuned to answer",
        confidence=0.6,
        evidence=[situation.recipe.model],
        cause="It learns to go on writing such text, and forgets some of how to answer.",
        remedy="Restructure them into questions and answers about the text; or take the base model, and tune "
        "it for answers afterwards.",
    )
