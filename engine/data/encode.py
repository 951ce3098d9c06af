"""Turns examples into token ids and label masks, many at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, compress
from typing import Final, NamedTuple

import msgspec
from tokenizers import Encoding

from engine.data.by_word import WordEncoding
from engine.data.dataset import Rows
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair
from engine.data.shorten import kept
from engine.data.template import answers, head_of
from engine.data.tokenizer import ModelTokenizer
from engine.data.turns import Encoded, Part, Spans, exchanges, parts_of
from engine.inspection.losses import Losses

_ROWS_AT_ONCE: Final = 512
_CHARACTERS_AT_ONCE: Final = 1 << 21
_BEHIND_A_STOP: Final = 4
"""Tokens that templates write behind the one that stops, such as two line feeds."""

Tick = Callable[[int], None]


class Draft(msgspec.Struct):
    """A text to be encoded, with the characters that are learnt; None learns all of it."""

    row: Row
    text: str
    spans: Spans | None
    start: bool
    """Put the tokenizer's prefix in front."""
    end: bool
    """Put the end-of-sequence token behind, and learn it."""
    chat: bool = False
    parts: list[Part] | None = None
    """The turns, where each is tokenised on its own."""


class Labelled(NamedTuple):
    """A draft as tokens."""

    made: Draft
    encoding: Encoding | WordEncoding | Encoded
    """Of the draft's text alone."""
    ids: list[int]
    mask: bytearray
    """1 where the token is learnt, as long as `ids`."""
    before: int
    """Tokens put before those of the text."""

    def keep(self, tokenizer: ModelTokenizer, max_length: int) -> bytearray | None:
        """1 for each token that stays of a row cut at `max_length`; None where the whole row is left out."""
        return kept(self.mask, self._exchanges(), max_length, tokenizer.rules)

    def _exchanges(self) -> list[tuple[int, int]] | None:
        if self.made.parts is None or not isinstance(self.encoding, Encoded):
            return None
        found = exchanges(self.made.parts, self.encoding.sizes)
        behind = len(self.ids) - len(self.encoding.ids) - self.before
        found[0] = (found[0][0] + self.before, found[0][1])
        found[-1] = (found[-1][0], found[-1][1] + behind)
        return found


class Cut(NamedTuple):
    """What is left of a row at some length."""

    ids: list[int]
    mask: bytearray
    lost: int
    """Learnt tokens that were cut off."""
    is_cut: bool


def encode_drafts(
    texts: Iterable[Draft],
    tokenizer: ModelTokenizer,
    max_length: int,
    rows: Rows,
    losses: Losses,
    tick: Tick,
) -> None:
    """Append every draft to `rows`, cut at `max_length` tokens, and count what is lost in `losses`.

    Documents longer than `max_length` are cut into several rows and lose nothing.
    """
    for drafts in chunks(texts):
        for row in labelled(drafts, tokenizer):
            if row.made.spans is None:
                _add_windows(row.ids, row.made.row, tokenizer, max_length, rows)
            else:
                _add_cut(row, tokenizer, max_length, rows, losses)
        losses.rows += len(drafts)
        tick(losses.rows)


def labelled(drafts: Sequence[Draft], tokenizer: ModelTokenizer) -> Iterator[Labelled]:
    """Each draft with its ids and mask, not cut yet."""
    encodings = iter(tokenizer.encode_many([text for made in drafts for text in _texts(made)]))
    for made in drafts:
        found = [next(encodings) for _ in made.parts or (made,)]
        encoding = found[0] if made.parts is None else Encoded(made.parts, found)
        yield _labelled(made, encoding, tokenizer)


def _texts(made: Draft) -> list[str]:
    return [made.text] if made.parts is None else [made.text[part.start : part.end] for part in made.parts]


def endless(made: Draft, ids: Sequence[int], mask: bytearray, tokenizer: ModelTokenizer) -> bool:
    """True for a conversation whose last learnt token does not stop a generated text."""
    last = mask.rfind(1)
    first = last if made.parts is None else max(last - _BEHIND_A_STOP, 0)
    return made.chat and tokenizer.stops.isdisjoint(ids[first : last + 1])


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


def draft(row: Row, example: Example, tokenizer: ModelTokenizer) -> Draft:
    """The text of an example as the model sees it, and what of it is learnt.

    Raises:
        Refusal: the chat template refuses the turns, with the row's place.
    """
    match example:
        case Document(text):
            return Draft(row, text, None, start=True, end=True)
        case Pair(prompt, completion):
            return _pair_draft(row, prompt, completion, tokenizer)
        case Chat():
            return _chat_draft(row, example, tokenizer)


def _pair_draft(row: Row, prompt: str, completion: str, tokenizer: ModelTokenizer) -> Draft:
    text, rules = prompt + completion, tokenizer.rules
    spans = [(len(prompt), len(text))]
    parts = parts_of(text, spans, ()) if rules.tokenize_turns == "apart" and text else None
    if rules.train_on == "all":
        spans = [(0, len(text))]
    return Draft(row, text, spans, start=True, end=True, parts=parts)


def _chat_draft(row: Row, chat: Chat, tokenizer: ModelTokenizer) -> Draft:
    rules, template = tokenizer.rules, tokenizer.template
    try:
        if tokenizer.fault is not None:
            raise tokenizer.fault.with_traceback(None)
        text, spans = answers(template, chat)
    except Refusal as refusal:
        refusal.where = row.where
        raise
    parts = None
    if rules.tokenize_turns == "apart":
        parts = parts_of(text, spans, tokenizer.marks, head_of(template, chat, text))
    else:
        ends = sorted({tokenizer.decode([stop]) for stop in tokenizer.stops})
        spans = [(start, _without_tail(text, start, end, ends)) for start, end in spans]
    learnt = {"answers": spans, "last_answer": spans[-1:], "all": [(0, len(text))]}[rules.train_on]
    return Draft(row, text, learnt, start=template.plain, end=False, chat=True, parts=parts)


def _without_tail(text: str, start: int, end: int, ends: Sequence[str]) -> int:
    """`end` moved before white space that only separates a finished answer from the next turn."""
    bare = text[start:end].rstrip()
    return start + len(bare) if bare and any(bare.endswith(stop) for stop in ends if stop) else end


def chunks(drafts: Iterable[Draft], rows: int = _ROWS_AT_ONCE) -> Iterator[list[Draft]]:
    """Drafts in lists of at most `rows`, shorter where their texts are long."""
    chunk: list[Draft] = []
    size = 0
    for made in drafts:
        chunk.append(made)
        size += len(made.text)
        if len(chunk) >= rows or size >= _CHARACTERS_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _labelled(
    made: Draft, encoding: Encoding | WordEncoding | Encoded, tokenizer: ModelTokenizer
) -> Labelled:
    """Ids and mask of a draft, with prefix and end; the very first token is never learnt."""
    ids, before = encoding.ids, 0
    mask = _mask(encoding, made.spans) if made.spans is not None else bytearray(b"\1") * len(ids)
    if made.start:
        started = tokenizer.started(ids)
        before = len(started) - len(ids)
        mask = bytearray(before) + mask
        ids = started
    if made.end and tokenizer.eos is not None and ids[-1:] != [tokenizer.eos]:
        ids = [*ids, tokenizer.eos]
        mask.append(1)
    if mask:
        mask[0] = 0
    return Labelled(made, encoding, ids, mask, before)


def _mask(encoding: Encoding | WordEncoding | Encoded, spans: Spans) -> bytearray:
    """1 for every token from the first that reaches into a span to the last that does."""
    if not isinstance(encoding, Encoding):
        return encoding.reach(spans)
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


def cut(row: Labelled, tokenizer: ModelTokenizer, max_length: int) -> Cut | None:
    """What is left of a row at `max_length`; None where the whole row is left out."""
    keep = row.keep(tokenizer, max_length)
    if keep is None:
        return None
    if 0 not in keep:
        return Cut(row.ids, row.mask, 0, is_cut=False)
    mask = bytearray(compress(row.mask, keep))
    return Cut(list(compress(row.ids, keep)), mask, row.mask.count(1) - mask.count(1), is_cut=True)


def _add_cut(row: Labelled, tokenizer: ModelTokenizer, max_length: int, rows: Rows, losses: Losses) -> None:
    made = row.made
    losses.endless += endless(made, row.ids, row.mask, tokenizer)
    left = cut(row, tokenizer, max_length)
    if left is None:
        losses.dropped.add(made.row.where)
        return
    losses.truncated_rows += left.is_cut
    losses.truncated_answer_tokens += left.lost
    if not left.mask.count(1):
        losses.vanished.add(made.row.where)
        return
    rows.add(left.ids, left.mask, made.row.file, made.row.line, made.row.times)


def _add_windows(ids: list[int], row: Row, tokenizer: ModelTokenizer, max_length: int, rows: Rows) -> None:
    body = ids[len(tokenizer.prefix) :]
    room = max_length - len(tokenizer.prefix)
    for at in range(0, len(body), room):
        window = body[at : at + room]
        if len(window) > 1 or (tokenizer.prefix and window):
            _add_window(window, tokenizer, rows, row.file, row.line, row.times)


def _add_window(
    body: list[int], tokenizer: ModelTokenizer, rows: Rows, file: str, line: int, times: int = 1
) -> None:
    ids = [*tokenizer.prefix, *body]
    given = max(len(tokenizer.prefix), 1)
    rows.add(ids, b"\0" * given + b"\1" * (len(ids) - given), file, line, times)


def _line_finder(piece: Row, encoding: Encoding | WordEncoding) -> Callable[[int], int]:
    """Gives the line of a token of `piece` by its index."""
    starts = [0, *accumulate(len(line) for line in piece.values["text"].split("\n"))]
    # Each line but the last also has its line feed.
    starts = [start + index for index, start in enumerate(starts)]

    def line_of(token: int) -> int:
        span = encoding.token_to_chars(token)
        return piece.line + bisect_right(starts, span[0] if span else 0) - 1

    return line_of
