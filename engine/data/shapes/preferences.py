"""Reads preferences: of pairs (DPO) either side, of judged answers (KTO) those that were liked."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any, Final, Literal

from engine.data.row import Row
from engine.data.shapes.example import Example, Pair
from engine.data.shapes.turns import chat, is_turn, system_of, turns_in, turns_of
from engine.data.shapes.values import bad, checked, first_of, list_of
from engine.mapping.path import opened

Side = Literal["chosen", "rejected"]
_OTHER: Final[dict[Side, Side]] = {"chosen": "rejected", "rejected": "chosen"}
_SAID: Final = re.compile(r"(?:^|\n\n)(Human|Assistant):[ \t]?")
"""How the first published preference data write their turns."""
_YES: Final = frozenset({"true", "1", "1.0", "yes"})
_NO: Final = frozenset({"false", "0", "0.0", "no", "-1", "-1.0"})
_LIKED: Final = ("label", "kto_tag")
_PROMPTS: Final = ("prompt", "question", "instruction")


def preference(row: Row, side: Side = "chosen") -> Example | None:
    """The prompt and the answer on one side of the pair; None where that is empty."""
    answered = opened(row.values.get(side))
    if isinstance(answered, str | None):
        text = checked(row, side, answered)
        if not text.strip():
            return None
        before = _before(row)
        if not before:
            return _implicit(row, text, side)
        return chat(row, [*before, {"role": "assistant", "content": text}])
    answer = turns_of(row, side, answered if isinstance(answered, list) else [answered])
    if answer and answer[0]["role"] == "assistant":
        answer = [*_before(row), *answer]
    return chat(row, _last_learnt(answer))


def judged(row: Row) -> Example | None:
    """A prompt and a completion that was liked, or a conversation that was."""
    if "completion" not in row.values:
        return chat(row, _last_learnt(turns_in(row)))
    completion = list_of(row, "completion")
    if completion is not None and all(map(is_turn, completion)):
        return chat(row, [*_before(row), *turns_of(row, "completion", completion)])
    text = checked(row, "completion", row.values["completion"])
    if not text.strip():
        return None
    return chat(row, [*_before(row), {"role": "assistant", "content": text}])


def verdict(values: dict[str, Any]) -> bool | None:
    """What a row of judged answers says of its answer; None where it says nothing of the kind."""
    value = next((values[name] for name in _LIKED if name in values), None)
    word = str(value).strip().lower() if isinstance(value, bool | int | float | str) else ""
    if word in _YES:
        return True
    return False if word in _NO else None


def _before(row: Row) -> list[dict[str, Any]]:
    """The turns that the answer answers; the answers among them are not learnt."""
    for name in _PROMPTS:
        turns = list_of(row, name)
        if turns is not None and turns and all(map(is_turn, turns)):
            return _asked(turns_of(row, name, turns))
    if any(isinstance(row.values.get(name), list) for name in ("messages", "conversations", "conversation")):
        return _asked(turns_in(row))
    parts = [first_of(row, *_PROMPTS), first_of(row, "input", "context")]
    text = "\n\n".join(part for part in parts if part.strip())
    return [*system_of(row), {"role": "user", "content": text}] if text else []


def _asked(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [turn | {"weight": 0} if turn["role"] == "assistant" else turn for turn in turns]


def _last_learnt(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Only the last answer is what was chosen or judged."""
    return [*_asked(turns[:-1]), *turns[-1:]]


def _implicit(row: Row, text: str, side: Side) -> Example | None:
    """A text with its prompt in it: its turns, or else what it begins with like the other side."""
    pieces = _SAID.split(text)
    if not pieces[0].strip() and len(pieces) > 2:
        roles = {"Human": "user", "Assistant": "assistant"}
        spoken = zip(pieces[1::2], pieces[2::2], strict=True)
        turns = [{"role": roles[who], "content": said.strip()} for who, said in spoken]
        return chat(row, _last_learnt(turns))
    other = row.values.get(_OTHER[side])
    if not isinstance(other, str):
        raise bad(row, "prompt", "given beside chosen and rejected")
    same = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(text, other, strict=False)))
    end = max(text.rfind(" ", 0, same), text.rfind("\n", 0, same)) + 1
    return Pair(text[:end], text[end:])
