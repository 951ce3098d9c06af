"""Preferences in other trainers' files: their objective, its loss, and how the rows of pairs are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from engine.problem import Problem
from engine.recipe.foreign.translation import Translation, empty, told

AXOLOTL: Final = {"dpo": ("dpo", "sigmoid"), "ipo": ("dpo", "ipo"), "orpo": ("orpo", "")}
"""Axolotl's `rl` with the objective and its loss."""
FACTORY: Final = {
    "sigmoid": ("dpo", "sigmoid"), "hinge": ("dpo", "hinge"), "ipo": ("dpo", "ipo"), "orpo": ("orpo", ""),
}  # fmt: skip
"""The same of LLaMA-Factory's `pref_loss`."""
RENAME: Final = "Pairs are read from chosen and rejected, with prompt, question or instruction: rename them."
_BEGIN: Final = "or begin with `openlora new --data FILE` and its objective"
_READ: Final = frozenset({"prompt", "question", "instruction", "query", "input", "messages", "conversations"})
"""Names under which what comes before the answers is found."""


def begin(found: Translation, key: str, value: object, table: dict[str, tuple[str, str]]) -> None:
    """Take the objective before all else, because other keys go by it; without a word, it is the first.

    Raises:
        Problem: pairs that are learnt by a loss that is not done here.
    """
    word = str(next(iter(table)) if empty(value) else value).lower()
    if word not in table:
        raise Problem(
            "The file learns preferences in a way that is not done here.",
            why=f"{key}: {told(value)}; {', '.join(table)} are taken over.",
            do=f"Choose one of these in the file, {_BEGIN}.",
        )
    objective, loss = table[word]
    found.values["data_format"] = "preference"
    found.take(key, value, "objective", objective)
    if loss:
        found.values["loss_type"] = loss
        found.note(key, value, f"loss_type: {loss}")


def columns(found: Translation, key: str, named: Iterable[tuple[str, object, str]]) -> None:
    """Say of columns of other names that they are not found: each with its part and its usual name."""
    other = [f"{part}: {value}" for part, value, usual in named if not empty(value) and value != usual]
    if other:
        found.leave(key, other, RENAME)
    else:
        found.note(key, None, "data_format: preference")


def before(each: dict[str, Any], names: Iterable[str]) -> list[tuple[str, object, str]]:
    """The columns of prompts, those that are found under their own names left out."""
    return [(name, each[name], "") for name in names if name in each and each[name] not in _READ]
