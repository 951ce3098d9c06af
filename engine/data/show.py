"""One row as a person looks at it: its values, and its text as the model sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from itertools import compress
from typing import Final

from msgspec.structs import replace

from engine.data.beside import beside
from engine.data.encode import Draft, Labelled, draft, endless, labelled
from engine.data.pieces import MOST, pieces_of, safe
from engine.data.read.index import RowIndex
from engine.data.read.rows import seen_of
from engine.data.refusal import Refusal, passed_over
from engine.data.row import Row
from engine.data.shapes import Example
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.talk import Shown

_CHARACTERS_A_TOKEN: Final = 12
"""No usual text has longer tokens on average, so a window needs no more characters than this."""
_NO_ANSWER: Final = "The answer is empty: training leaves this row out."
_WINDOW: Final = "A text file is learnt whole, in windows of max_length tokens; this one begins at the line."
_DROPPED: Final = "The row is longer than max_length: training leaves it out."
_NO_MODEL: Final = "Without a model's tokenizer there is no text as a model sees it."


def as_text(value: object) -> str:
    """A value as one text: turns of a conversation as lines, numbers and lists as JSON writes them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(_turn(item) for item in value):
        return "\n".join(_turn(item) for item in value)
    return json.dumps(value, ensure_ascii=False)


def _turn(item: object) -> str:
    """A turn as `role: text`; empty for what is no turn."""
    if not isinstance(item, dict):
        return ""
    role, text = item.get("role", item.get("from")), item.get("content", item.get("value"))
    if not isinstance(role, str) or not isinstance(text, str | list | type(None)):
        return ""
    return f"{role}: {text if isinstance(text, str) else as_text(text)}"


def values_of(row: Row) -> list[tuple[str, str]]:
    """The columns and their values as texts."""
    return [(name, safe(as_text(value))) for name, value in row.values.items()]


def shown(
    number: int, row: Row, example: Example | None, tokenizer: ModelTokenizer | None, max_length: int
) -> Shown:
    """Row `number` with its pieces; `example` is None where training leaves it out."""
    plain = Shown(row=number, max_length=max_length, where=row.where, values=values_of(row))
    if tokenizer is None:
        return replace(plain, note=_NO_MODEL)
    if example is None:
        return replace(plain, note=_NO_ANSWER)
    try:
        [whole] = labelled([draft(row, example, tokenizer)], tokenizer)
    except Refusal as refusal:
        return replace(plain, note=f"{refusal.what} {refusal.why}".strip())
    windows = whole.made.spans is None
    keep = None if windows else whole.keep(tokenizer, max_length)
    kept = whole.mask if windows else bytearray(compress(whole.mask, keep or b""))
    return replace(
        plain,
        pieces=pieces_of(whole, tokenizer, _windows(whole, max_length) if windows else _cuts(whole, keep)),
        note=_DROPPED if keep is None and not windows else "",
        tokens=len(whole.ids),
        learnt=whole.mask.count(1),
        lost=whole.mask.count(1) - kept.count(1),
        left_out=max(len(whole.ids) - MOST, 0),
        windows=windows,
        endless=bool(kept.count(1)) and not _stops(whole, kept, tokenizer),
        beside=beside(whole, example, tokenizer),
    )


def shown_line(number: int, row: Row, text: str, tokenizer: ModelTokenizer | None, max_length: int) -> Shown:
    """A line of a text file, and `text` (that line and those after it) as far as one window reaches."""
    plain = Shown(row=number, max_length=max_length, where=row.where, values=values_of(row))
    if tokenizer is None:
        return replace(plain, note=_NO_MODEL)
    room = max(max_length - len(tokenizer.prefix), 1)
    [encoding] = tokenizer.encode_many([text])
    if len(encoding.ids) > room:
        text = text[: encoding.offsets[room - 1][1]]
        [encoding] = tokenizer.encode_many([text])
    ids = [*tokenizer.prefix, *encoding.ids]
    given = max(len(tokenizer.prefix), 1)
    mask = bytearray(given) + bytearray(b"\1") * (len(ids) - given)
    made = Draft(row, text, None, start=True, end=False)
    whole = Labelled(made, encoding, ids, mask, len(tokenizer.prefix))
    return replace(
        plain,
        pieces=pieces_of(whole, tokenizer, bytes(len(ids))),
        tokens=len(ids),
        learnt=mask.count(1),
        windows=True,
        note=_WINDOW,
    )


def following(index: RowIndex, row: Row, max_length: int) -> str:
    """A line of a text file and those after it, as many as a window can hold."""
    lines: list[str] = []
    size = 0
    with suppress(Refusal):  # what comes later cannot be read, and this line can
        for line in seen_of(index.source, row.start, passed_over):
            lines.append(line.values["text"])
            size += len(lines[-1]) + 1
            if size >= max_length * _CHARACTERS_A_TOKEN:
                break
    return "\n".join(lines)


def _stops(whole: Labelled, kept: bytearray, tokenizer: ModelTokenizer) -> bool:
    """True where a token that is kept and learnt ends a generated text."""
    if whole.made.chat:
        return not endless(whole.made, whole.ids, kept, tokenizer)
    return tokenizer.eos is None or whole.ids[kept.rfind(1)] == tokenizer.eos


def _windows(whole: Labelled, max_length: int) -> Sequence[int]:
    """The window of each token of a text that is learnt whole."""
    return [at // max_length for at in range(len(whole.ids))]


def _cuts(whole: Labelled, keep: bytearray | None) -> Sequence[int]:
    """0 for each token that is kept and 1 for the others; `keep` is None where the row is left out."""
    return [1 - kept for kept in keep] if keep is not None else b"\1" * len(whole.ids)
