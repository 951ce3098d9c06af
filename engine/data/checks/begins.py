"""How a row begins: with the token that begins all texts once, twice or not at all."""

from __future__ import annotations

from typing import Literal

from engine.data.encode import Labelled
from engine.data.tokenizer import ModelTokenizer

Begins = Literal["well", "twice", "bare"]


def begins(row: Labelled, tokenizer: ModelTokenizer) -> Begins:
    """How `row` begins, for a tokenizer that puts a token before each text; without one all begin well.

    Templates that write the token before each turn, as those of Llama 2 do, are none of this.
    """
    bos = tokenizer.bos
    if bos is None:
        return "well"
    if row.ids[:2] == [bos, bos]:
        return "twice"
    # Only conversations: texts and pairs get the tokenizer's own prefix.
    return "bare" if row.made.chat and bos in tokenizer.prefix and row.ids[:1] != [bos] else "well"
