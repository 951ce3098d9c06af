"""The side job `perplexity`: draws rows, measures them one by one, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from engine.data.again import taken
from engine.data.checks.seen import Seen
from engine.data.encode import draft, labelled
from engine.data.inspect import Inspection
from engine.data.named import tokenizer_of
from engine.data.refusal import Refusal, as_refusal
from engine.data.rules import rules_of
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.surprise import Asked, Measured, Row, asked, encode
from engine.line import Line
from engine.perplexity.draw import drawn
from engine.perplexity.measure import BaseModel
from engine.problem import Problem
from engine.recipe.models import prove_model
from engine.sources.resolve import resolve

_REPORTS: Final = 0.5
"""Seconds between two reports."""
_FEWEST: Final = 8
"""Tokens of an answer below which a mean says nothing."""


def serve(spec: bytes, line: Line) -> None:
    """Measure what `spec` asks for, and end.

    Raises:
        Problem: the model or the data cannot be used.
    """
    wanted = asked(spec)
    tokenizer = tokenizer_of(wanted.spec.model, rules_of(wanted.spec))
    try:
        prove_model(tokenizer.folder)
    except Problem as problem:
        raise as_refusal("other", problem) from problem
    told = time.monotonic()
    for measured in measure(wanted, tokenizer, line.device):
        line.hear()  # raises where nobody listens any more
        if measured.done or time.monotonic() - told > _REPORTS:
            told = time.monotonic()
            line.say(encode(measured))


def measure(wanted: Asked, tokenizer: ModelTokenizer, device: str) -> Iterator[Measured]:
    """What is known after each row; the last one is `done`."""
    spec = wanted.spec
    files = [source.path for source in resolve(spec.files).files]
    inspection = Inspection(files, data_format=spec.data_format, mapping=spec.mapping)
    sample = drawn(taken(inspection), wanted.rows, wanted.seed)
    model = BaseModel(tokenizer.folder, device)
    found: list[Row] = []
    short = 0
    for number, seen in enumerate(sample.rows, 1):
        row = _measured(seen, tokenizer, model, spec.max_length)
        if row is not None and row.tokens >= _FEWEST:
            found.append(row)
        else:
            short += 1
        yield Measured(
            rows=found if number == len(sample.rows) else [],
            whole=len(sample.rows), measured=number, short=short, of=sample.of,
            done=number == len(sample.rows),
        )  # fmt: skip
    if not sample.rows:
        yield Measured(rows=[], whole=0, measured=0, short=0, of=0, done=True)


def _measured(seen: Seen, tokenizer: ModelTokenizer, model: BaseModel, max_length: int) -> Row | None:
    """A row's loss; None where training refuses it."""
    try:
        [whole] = labelled([draft(seen.row, seen.example, tokenizer)], tokenizer)
    except Refusal:
        return None
    loss, tokens = model.loss(whole, max_length)
    return Row(seen.number, seen.row.where, loss, tokens)
