"""What is kept of a row that is longer than `max_length`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.rules import Rules


def kept(
    mask: bytes | bytearray, exchanges: Sequence[tuple[int, int]] | None, max_length: int, rules: Rules
) -> bytearray | None:
    """1 for each token that stays, None where the whole row is left out.

    Args:
        mask: 1 where a token is learnt.
        exchanges: tokens of each prompt and its answer; None takes what is learnt for the answers.
        max_length: tokens that a row has room for.
        rules: `truncation` says what becomes of those beyond.
    """
    tokens = len(mask)
    if rules.truncation == "balance":
        last_first = rules.train_on == "last_answer"
        return _balanced(exchanges or _runs(mask), max_length, last_first=last_first)
    if tokens > max_length and rules.truncation == "drop":
        return None
    return bytearray(b"\1") * min(tokens, max_length) + bytearray(max(tokens - max_length, 0))


def _runs(mask: bytes | bytearray) -> list[tuple[int, int]]:
    """Tokens that are not learnt, and those learnt behind them, as often as they alternate."""
    found, at = [], 0
    while at < len(mask):
        begin = mask.find(1, at)
        begin = begin if begin >= 0 else len(mask)
        end = mask.find(0, begin)
        end = end if end >= 0 else len(mask)
        found.append((begin - at, end - begin))
        at = end
    return found


def _balanced(exchanges: Sequence[tuple[int, int]], max_length: int, *, last_first: bool) -> bytearray:
    """1 for each token that is kept where prompts and answers are shortened in proportion.

    As LLaMA-Factory's `infer_seqlen` does it, exchange by exchange until there is no more room.

    Args:
        exchanges: tokens of each prompt and of the answer to it.
        max_length: tokens that are kept in all.
        last_first: the last exchange has the first choice.
    """
    order = range(len(exchanges))
    kept: dict[int, tuple[int, int]] = {}
    taken = 0
    for index in reversed(order) if last_first else order:
        if taken >= max_length:
            break
        kept[index] = _room(*exchanges[index], max_length - taken)
        taken += sum(kept[index])
    found = bytearray()
    for index, sizes in enumerate(exchanges):
        for size, room in zip(sizes, kept.get(index, (0, 0)), strict=True):
            found += bytearray(b"\1") * room + bytearray(size - room)
    return found


def _room(asked: int, answered: int, room: int) -> tuple[int, int]:
    """Tokens of a prompt and of its answer that stay in `room` tokens."""
    if answered * 2 < room:
        most = room
    elif asked * 2 < room:
        most = room - asked
    else:
        most = int(room * (answered / (asked + answered)))
    answer = min(most, answered)
    return min(max(room - answer, 0), asked), answer
