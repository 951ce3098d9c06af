"""Answers that say nothing, or only what was asked."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.seen import Seen
from engine.data.shapes import Chat, Pair
from engine.data.shapes.plain import label_column

_SHORT: Final = 16
_LEFT: Final = """
n/a|nan|undefined|#n/a|#ref!|#value!|#name?|[object object]|[deleted]|[removed]
tbd|idk|asd|asdf|xxx|ok|okay|hm|hmm|lol
no output|no input|<nooutput>|<no output>|<noinput>|<no input>|no answer
"""
"""What spreadsheets, forums and the makers of Alpaca left in the place of an answer; no words of labels."""
_FILLERS: Final = frozenset(_LEFT.replace("\n", "|").split("|"))
_MARKS: Final = frozenset(" \t\r\n.,;:…·•-–—_'\"`´*#~\\|()[]{}?!/。、，．？！「」")
_OF_MARKS: Final = re.compile(
    r"punctuat|symbol|\bsign|operator|character|delimiter|separator|emoji|bracket|\bmark|complete|continue|output"
    r"|符号|标点|記号|знак|zeichen|signe|signo",
    re.IGNORECASE,
)
_COPY: Final = 24
"""Characters of the shortest prompt whose repetition is no greeting and no word that was asked for."""


def _trivial(seen: Seen) -> str:
    if len(seen.answer) > _SHORT:
        return ""
    answer = seen.answer.strip()
    if not answer:
        return ""  # a call of a tool, which needs no words
    if set(answer) <= _MARKS:
        return "" if _OF_MARKS.search(seen.prompt) else f"answer: {answer}"
    word = answer.casefold().rstrip(".!")
    if word in _FILLERS and word not in seen.prompt.casefold() and label_column(seen.row.values) is None:
        return f"answer: {answer}"
    return ""


def _echo(seen: Seen) -> str:
    return next(
        (f"answer = prompt: {answer}" for prompt, answer in _turns(seen) if _same(prompt, answer)), ""
    )


def _begins(seen: Seen) -> str:
    return next((answer for prompt, answer in _turns(seen) if _goes_on(prompt, answer)), "")


def _turns(seen: Seen) -> list[tuple[str, str]]:
    """Each prompt with its answer, where the answer begins as the prompt does."""
    example = seen.example
    if isinstance(example, Pair):
        turns = [(example.prompt, example.completion)]
    elif isinstance(example, Chat):
        turns = [
            (asked["content"], answered["content"])
            for asked, answered in pairwise(example.messages)
            if asked["role"] == "user" and answered["role"] == "assistant"
        ]
    else:
        return []
    return [
        pair for pair in turns if len(pair[0]) >= _COPY and pair[0][:4].casefold() == pair[1][:4].casefold()
    ]


def _same(prompt: str, answer: str) -> bool:
    return abs(len(prompt) - len(answer)) <= _COPY and _plain(prompt) == _plain(answer)


def _goes_on(prompt: str, answer: str) -> bool:
    return (
        len(answer) > len(prompt) and _plain(answer).startswith(_plain(prompt)) and not _same(prompt, answer)
    )


def _plain(text: str) -> str:
    """Case and spaces aside."""
    return " ".join(text.split()).casefold()


ANSWERS: Final = (
    RowCheck(
        name="trivial",
        category="quality",
        severity="warning",
        title="have an answer that says nothing",
        cause="A few marks, or what a spreadsheet or a forum leaves in the place of a text.",
        remedy="Leave these rows out, or write the answers.",
        look=_trivial,
    ),
    RowCheck(
        name="echo",
        category="quality",
        severity="warning",
        title="have an answer that is the prompt again",
        cause="Two columns hold the same text; the model learns to repeat what it is asked.",
        remedy="Leave these rows out, or check which column is the answer.",
        look=_echo,
    ),
    RowCheck(
        name="begins_with_prompt",
        category="quality",
        severity="warning",
        title="have an answer that begins with the whole prompt",
        cause="Generated texts were saved with their prompts; the model learns to repeat what it is asked.",
        remedy="Cut the prompts off the answers, or leave these rows out.",
        look=_begins,
        share=0.02,
    ),
)
