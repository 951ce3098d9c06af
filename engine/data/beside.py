"""The prompt of a row as training writes it, beside the one that `openlora chat` will write."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final, cast

from engine.chat.prompt import written
from engine.chat.spoken import Turn
from engine.data.encode import Draft, Labelled, labelled
from engine.data.pieces import pieces_of, token_texts
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Example, Pair
from engine.data.tokenizer import ModelTokenizer
from engine.inspection.talk import Beside, Piece
from engine.text import one_line

_COMPARED: Final = 2000
"""Tokens that are compared one by one; of longer prompts only what is the same at both ends is known."""
_QUOTED: Final = 60
_SPOKEN: Final = ("system", "user", "assistant")
Span = tuple[int, int, int, int]
"""Tokens of the training text from, to; those of the chat's prompt from, to."""


def beside(whole: Labelled, example: Example, tokenizer: ModelTokenizer) -> Beside | None:
    """Both prompts before the last answer of a row; None where there is nothing that a chat could ask."""
    if isinstance(example, Document) or not whole.mask.count(1):
        return None
    trained = whole.mask.rfind(0, 0, whole.mask.rfind(1)) + 1
    before = _head(whole, trained)
    said: list[str] = []
    try:
        chat = _asked(whole.made.row, example, tokenizer, said)
    except Refusal as refusal:
        return Beside(training=_pieces(before, tokenizer, ()), chat=[], said=[refusal.what])
    spans = list(_spans(before.ids, chat.ids))
    texts = token_texts(before, tokenizer), token_texts(chat, tokenizer)
    said += [_said(span, texts) for span in spans]
    return Beside(
        training=_pieces(before, tokenizer, [(a, b) for a, b, _, _ in spans]),
        chat=_pieces(chat, tokenizer, [(c, d) for _, _, c, d in spans]),
        said=said,
    )


def _head(whole: Labelled, tokens: int) -> Labelled:
    """The first tokens of a row, none of them learnt."""
    return whole._replace(ids=whole.ids[:tokens], mask=bytearray(tokens))


def _asked(row: Row, example: Chat | Pair, tokenizer: ModelTokenizer, said: list[str]) -> Labelled:
    """What a chat writes for the question of a row; what it cannot say at all is told in `said`."""
    if isinstance(example, Pair):
        made = Draft(row, example.prompt, [], start=True, end=False)
        return _checked(made, written(tokenizer, [Turn("user", example.prompt)], "verbatim"), tokenizer)
    last = max(at for at, turn in enumerate(example.messages) if turn["role"] == "assistant")
    turns = [turn for turn in example.messages[:last] if turn["role"] in _SPOKEN]
    left_out = [turn["role"] for turn in example.messages[:last] if turn["role"] not in _SPOKEN]
    if left_out:
        said.append(f"A chat has no turns of these roles: {', '.join(dict.fromkeys(left_out))}.")
    if example.tools:
        said.append(f"A chat offers no tools, and the row has {len(example.tools):,}.")
    spoken = [_turn(turn) for turn in turns]
    text = tokenizer.template.render(
        Chat([{"role": turn.role, "content": turn.content} for turn in spoken]), prompt=True
    )
    made = Draft(row, text, [], start=tokenizer.template.plain, end=False, chat=True)
    return _checked(made, written(tokenizer, spoken, "chat"), tokenizer)


def _turn(turn: dict[str, Any]) -> Turn:
    return Turn(cast("Any", turn["role"]), str(turn["content"]))


def _checked(made: Draft, ids: list[int], tokenizer: ModelTokenizer) -> Labelled:
    """`made` as the tokens that the chat sends, with their texts where they are known."""
    [whole] = labelled([made], tokenizer)
    if list(whole.ids) == ids:
        return whole
    return whole._replace(ids=ids, mask=bytearray(len(ids)), before=len(ids))


def _spans(left: Sequence[int], right: Sequence[int]) -> list[Span]:
    """Where the two differ."""
    if max(len(left), len(right)) <= _COMPARED:
        codes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        return [(a, b, c, d) for kind, a, b, c, d in codes if kind != "equal"]
    same = 0
    while same < min(len(left), len(right)) and left[same] == right[same]:
        same += 1
    end = 0
    while end < min(len(left), len(right)) - same and left[-1 - end] == right[-1 - end]:
        end += 1
    span = same, len(left) - end, same, len(right) - end
    return [] if span[0] == span[1] and span[2] == span[3] else [span]


def _said(span: Span, texts: tuple[Sequence[str], Sequence[str]]) -> str:
    """A difference in words."""
    left, right = "".join(texts[0][span[0] : span[1]]), "".join(texts[1][span[2] : span[3]])
    if left == right:
        return f"The same text in other tokens: {_quoted(left)}"
    if not left:
        return f"Only in the chat: {_quoted(right)}"
    if not right:
        return f"Only in training: {_quoted(left)}"
    return f"Training has {_quoted(left)}, the chat {_quoted(right)}"


def _quoted(text: str) -> str:
    return f"“{one_line(text.replace(chr(10), chr(92) + 'n'), _QUOTED)}”"


def _pieces(whole: Labelled, tokenizer: ModelTokenizer, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    differs = bytearray(len(whole.ids))
    for start, end in spans:
        differs[start:end] = b"\1" * (end - start)
    return pieces_of(whole, tokenizer, bytes(len(whole.ids)), differs)
