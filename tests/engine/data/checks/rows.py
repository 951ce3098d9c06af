"""Rows for checks: what would be asked, and what would be learnt."""

from __future__ import annotations

from engine.data.checks.checks import Checks
from engine.data.checks.seen import Seen, seen
from engine.data.checks.table import ROW_CHECKS
from engine.data.row import Row
from engine.data.shapes import Chat, Document, Pair

CHECKS = {check.name: check for check in ROW_CHECKS}


def checks() -> Checks:
    """All checks, of rows that need not be read again."""
    return Checks(lambda numbers: ())


def chat(prompt: str, answer: str, line: int = 1) -> Seen:
    """A question and its answer, as chat templates take them."""
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return seen(Row("d.jsonl", line, {"question": prompt, "answer": answer}), Chat(turns), line)


def pair(prompt: str, completion: str, line: int = 1) -> Seen:
    """A prompt as it stands, and its completion."""
    return seen(
        Row("d.jsonl", line, {"prompt": prompt, "completion": completion}), Pair(prompt, completion), line
    )


def document(text: str, line: int = 1) -> Seen:
    """A text that is learnt whole."""
    return seen(Row("d.jsonl", line, {"text": text}), Document(text), line)


def wrong(name: str, answer: str, prompt: str = "Tell me something.") -> str:
    """What the check of this name says of a conversation."""
    return CHECKS[name].look(chat(prompt, answer))


def all_wrong(answer: str, prompt: str = "Tell me something.") -> dict[str, str]:
    """What every check says of a conversation, of those that say something."""
    row = chat(prompt, answer)
    return {check.name: said for check in ROW_CHECKS if (said := check.look(row))}
