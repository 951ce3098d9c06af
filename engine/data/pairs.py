"""Turns preferences into pairs of token ids and label masks, the chosen side first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from engine.data.dataset import Rows
from engine.data.encode import Draft, Labelled, Tick, chunks, cut, endless, labelled
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.losses import Losses


def encode_pairs(
    pairs: Iterable[tuple[Draft, Draft]],
    tokenizer: ModelTokenizer,
    max_length: int,
    rows: Rows,
    losses: Losses,
    tick: Tick,
) -> None:
    """Append every pair to `rows`, each side cut at `max_length` tokens, and count what is lost in `losses`.

    A pair of which one side has nothing left to learn, or whose sides are the same, is left out.
    """
    texts = chunks(chain.from_iterable(pairs))
    sides = chain.from_iterable(labelled(drafts, tokenizer) for drafts in texts)
    for chosen, rejected in zip(sides, sides, strict=True):
        _add(chosen, rejected, tokenizer, max_length, rows, losses)
        losses.rows += 1
        tick(losses.rows)


def _add(
    chosen: Labelled,
    rejected: Labelled,
    tokenizer: ModelTokenizer,
    max_length: int,
    rows: Rows,
    losses: Losses,
) -> None:
    row = chosen.made.row
    losses.endless += endless(chosen.made, chosen.ids, chosen.mask, tokenizer)
    better, worse = cut(chosen, tokenizer, max_length), cut(rejected, tokenizer, max_length)
    if better is None or worse is None:
        losses.dropped.add(row.where)
        return
    losses.truncated_rows += better.is_cut or worse.is_cut
    losses.truncated_answer_tokens += better.lost + worse.lost
    if not better.mask.count(1) or not worse.mask.count(1):
        losses.vanished.add(row.where)
    elif better.ids == worse.ids:
        losses.alike.add(row.where)
    else:
        rows.add_pair(better.ids, better.mask, worse.ids, worse.mask, row.file, row.line, row.times)
