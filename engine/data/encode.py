"""Turns examples into token ids and label masks, many at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

import msgspec
from tokenizers import Encoding

from engine.data.dataset import Rows
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair
from engine.data.template import answers
from engine.data.tokenizer import ModelTokenizer

_ROWS_AT_ONCE: Final = 512
_CHARACTERS_AT_ONCE: Final = 1 << 21

Spans = list[tuple[int, int]]
Tick = Callable[[int], None]


class Tally(msgspec.Struct):
    """What was lost on the way."""

    rows: int = 0
    truncated_rows: int = 0
    truncated_answer_tokens: int = 0
    vanished: list[str] = []
    """`file:line` of rows that had nothing left to learn after truncation."""
    empty: list[str] = []
    """`file:line` of rows without an answer."""
    endless: int = 0
    """Conversations whose last learnt token does not stop a generated text."""


class _Draft(msgspec.Struct):
    """A text to be encoded, with the characters that are learnt; None learns all of it."""

    row: Row
    text: str
    spans: Spans | None
    start: bool
    """Put the tokenizer's prefix in front."""
    end: bool
    """Put the end-of-sequence token behind, and learn it."""
    chat: bool = False


def encode_examples(
    examples: Iterable[tuple[Row, Example]],
    tokenizer: ModelTokenizer,
    max_length: int,
    rows: Rows,
    tally: Tally,
    tick: Tick,
) -> None:
    """Append every example to `rows`, cut at `max_length` tokens, and count the losses in `tally`.

    Documents longer than `max_length` are cut into several rows and lose nothing.
    """
    for drafts in _chunks(_draft(row, example, tokenizer) for row, example in examples):
        for draft, encoding in zip(drafts, tokenizer.encode_many([d.text for d in drafts]), strict=True):
            ids, mask = _labelled(draft, encoding, tokenizer)
            if draft.spans is None:
                _add_windows(ids, draft.row, tokenizer, max_length, rows)
            else:
                _add_cut(ids, mask, draft, tokenizer, max_length, rows, tally)
        tally.rows += len(drafts)
        tick(tally.rows)


def encode_stream(
    pieces: Iterable[Row], tokenizer: ModelTokenizer, max_length: int, rows: Rows, tick: Tick
) -> None:
    """Append a text file to `rows` as windows of `max_length` tokens, each begun as the tokenizer begins one.

    A last window of a single token is left out, because nothing in it can be learnt.
    """
    room = max_length - len(tokenizer.prefix)
    waiting: list[int] = []
    begin, file = 1, ""
    for piece in pieces:
        [encoding] = tokenizer.encode_many([piece.values["text"]])
        ids, line_of, at = encoding.ids, _line_finder(piece, encoding), 0
        while at < len(ids):
            if not waiting:
                begin = line_of(at)
            taken = ids[at : at + room - len(waiting)]
            waiting += taken
            at += len(taken)
            if len(waiting) == room:
                _add_window(waiting, tokenizer, rows, piece.file, begin)
                waiting = []
        file = piece.file
        tick(len(rows))
    if len(waiting) > 1:
        _add_window(waiting, tokenizer, rows, file, begin)


def _draft(row: Row, example: Example, tokenizer: ModelTokenizer) -> _Draft:
    match example:
        case Document(text):
            return _Draft(row, text, None, start=True, end=True)
        case Pair(prompt, completion):
            span = (len(prompt), len(prompt) + len(completion))
            return _Draft(row, prompt + completion, [span], start=True, end=True)
        case Chat():
            return _chat_draft(row, example, tokenizer)


def _chat_draft(row: Row, chat: Chat, tokenizer: ModelTokenizer) -> _Draft:
    try:
        text, spans = answers(tokenizer.template, chat)
    except Refusal as refusal:
        refusal.where = row.where
        raise
    ends = sorted({tokenizer.decode([stop]) for stop in tokenizer.stops})
    spans = [(start, _without_tail(text, start, end, ends)) for start, end in spans]
    return _Draft(row, text, spans, start=tokenizer.template.plain, end=False, chat=True)


def _without_tail(text: str, start: int, end: int, ends: Sequence[str]) -> int:
    """`end` moved before white space that only separates a finished answer from the next turn."""
    bare = text[start:end].rstrip()
    return start + len(bare) if bare and any(bare.endswith(stop) for stop in ends if stop) else end


def _chunks(drafts: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    chunk: list[_Draft] = []
    size = 0
    for draft in drafts:
        chunk.append(draft)
        size += len(draft.text)
        if len(chunk) >= _ROWS_AT_ONCE or size >= _CHARACTERS_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _labelled(draft: _Draft, encoding: Encoding, tokenizer: ModelTokenizer) -> tuple[list[int], bytearray]:
    """Ids and mask of a draft, with prefix and end; the very first token is never learnt."""
    ids = encoding.ids
    mask = _mask(encoding, draft.spans) if draft.spans is not None else bytearray(b"\1") * len(ids)
    if draft.start:
        started = tokenizer.started(ids)
        mask = bytearray(len(started) - len(ids)) + mask
        ids = started
    if draft.end and tokenizer.eos is not None and ids[-1:] != [tokenizer.eos]:
        ids = [*ids, tokenizer.eos]
        mask.append(1)
    if mask:
        mask[0] = 0
    return ids, mask


def _mask(encoding: Encoding, spans: Spans) -> bytearray:
    """1 for every token from the first that reaches into a span to the last that does."""
    offsets = encoding.offsets
    mask = bytearray(len(offsets))
    at = 0
    for start, end in spans:
        while at < len(offsets) and offsets[at][1] <= start:
            at += 1
        first = at
        while at < len(offsets) and offsets[at][0] < end:
            at += 1
        mask[first:at] = b"\1" * (at - first)
    return mask


def _add_cut(
    ids: list[int],
    mask: bytearray,
    draft: _Draft,
    tokenizer: ModelTokenizer,
    max_length: int,
    rows: Rows,
    tally: Tally,
) -> None:
    if draft.chat and ids[mask.rfind(1)] not in tokenizer.stops:
        tally.endless += 1
    if len(ids) > max_length:
        tally.truncated_rows += 1
        tally.truncated_answer_tokens += mask.count(1, max_length)
        ids, mask = ids[:max_length], mask[:max_length]
    if not mask.count(1):
        tally.vanished.append(draft.row.where)
        return
    rows.add(ids, mask, draft.row.file, draft.row.line)


def _add_windows(ids: list[int], row: Row, tokenizer: ModelTokenizer, max_length: int, rows: Rows) -> None:
    body = ids[len(tokenizer.prefix) :]
    room = max_length - len(tokenizer.prefix)
    for at in range(0, len(body), room):
        window = body[at : at + room]
        if len(window) > 1 or (tokenizer.prefix and window):
            _add_window(window, tokenizer, rows, row.file, row.line)


def _add_window(body: list[int], tokenizer: ModelTokenizer, rows: Rows, file: str, line: int) -> None:
    ids = [*tokenizer.prefix, *body]
    given = max(len(tokenizer.prefix), 1)
    rows.add(ids, b"\0" * given + b"\1" * (len(ids) - given), file, line)


def _line_finder(piece: Row, encoding: Encoding) -> Callable[[int], int]:
    """Gives the line of a token of `piece` by its index."""
    starts = [0, *accumulate(len(line) for line in piece.values["text"].split("\n"))]
    # Each line but the last also has its line feed.
    starts = [start + index for index, start in enumerate(starts)]

    def line_of(token: int) -> int:
        span = encoding.token_to_chars(token)
        return piece.line + bisect_right(starts, span[0] if span else 0) - 1

    return line_of
