"""Tokens as pieces of text: those that are alike together, each special one by itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from engine.data.encode import Labelled
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.talk import Piece

MOST: Final = 12_000
"""Tokens of a row that are shown: more than that nobody reads, and a screen has to fold them."""


def safe(text: str) -> str:
    """`text` with halves of characters replaced, so that it can be sent."""
    return text.encode("utf-8", "replace").decode()


def pieces_of(
    whole: Labelled, tokenizer: ModelTokenizer, parts: Sequence[int], differs: Sequence[int] = ()
) -> list[Piece]:
    """Neighbouring tokens that are alike and of one part, as text; a special token stands by itself.

    Args:
        whole: the tokens.
        tokenizer: what they are tokens of.
        parts: for each token the `Piece.part`.
        differs: for each token 1 where another text has it not; empty where there is none beside.
    """
    texts = token_texts(whole, tokenizer)
    kinds = [
        (
            parts[at],
            bool(whole.mask[at]),
            bool(differs) and bool(differs[at]),
            at if whole.ids[at] in tokenizer.specials else -1,
        )
        for at in range(min(len(whole.ids), MOST))
    ]
    pieces = []
    for (part, learnt, differing, special), group in groupby(range(len(kinds)), key=kinds.__getitem__):
        found = [(whole.ids[at], safe(texts[at])) for at in group]
        pieces.append(
            Piece(
                text="".join(text for _, text in found),
                learnt=learnt,
                special=special >= 0,
                part=part,
                tokens=[(token, len(text)) for token, text in found],
                name=_name(found[0][0], tokenizer) if special >= 0 else "",
                differs=differing,
            )
        )
    return pieces


def _name(token: int, tokenizer: ModelTokenizer) -> str:
    """What a special token does."""
    if token == tokenizer.bos and token == tokenizer.eos:
        return "BOS EOS"
    names = {tokenizer.bos: "BOS", tokenizer.eos: "EOS"}
    return names.get(token, "stop" if token in tokenizer.stops else "")


def token_texts(whole: Labelled, tokenizer: ModelTokenizer) -> list[str]:
    """The text of each token; together they are the whole text, with what was put before and behind it."""
    texts = [tokenizer.written(token) for token in whole.ids[: whole.before]]
    text, done = whole.made.text, 0
    ends = [end for _, end in whole.encoding.offsets]
    # A token of a byte ends where its character does, and what no token covers belongs to the one before.
    for end in [*ends[:-1], len(text)] if ends else []:
        texts.append(text[done:end])
        done = max(end, done)
    return texts + [tokenizer.written(token) for token in whole.ids[len(texts) :]]
