"""From the words of `--apply` to the steps that do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from engine.data.mend.dropping import dedup, drop, near_dedup
from engine.data.mend.editing import blacken, clean, fill
from engine.data.mend.restructuring import convert, rebalance, split
from engine.data.mend.setting import Setting
from engine.data.mend.step import Work
from engine.inspection.words import WORDS, Word
from engine.problem import Problem
from engine.recipe.fields import nearest

_RESPLIT: Final = "resplit"
_MADE: Final[dict[str, Callable[[str, Setting], Work]]] = {
    "dedup": dedup,
    "near_dedup": near_dedup,
    "drop": drop,
    "clean": clean,
    "redact": blacken,
    "fill": fill,
    "split": split,
    "convert": convert,
    "rebalance": rebalance,
}
_BY_NAME: Final = {word.name: word for word in WORDS}


def parsed(words: Sequence[str], setting: Setting) -> tuple[list[tuple[str, Work]], str]:
    """The steps that `words` ask for, and the value of a `resplit` at their end, empty without one.

    Raises:
        Problem: a word is not known, or lacks its value.
    """
    steps: list[tuple[str, Work]] = []
    for number, text in enumerate(words):
        name, _, value = (part.strip() for part in text.partition("="))
        word = _BY_NAME.get(name)
        if word is None or bool(word.value) != bool(value):
            raise _unknown(text, name, word)
        if name != _RESPLIT:
            steps.append((text, _MADE[name](value, setting)))
        elif number == len(words) - 1:
            return steps, value
        else:
            raise Problem(
                "resplit has to come last.", where=f"--apply {text}", do="Put it behind the others."
            )
    return steps, ""


def _unknown(text: str, name: str, word: Word | None) -> Problem:
    if word is not None:
        return Problem(f"{text!r} is not how {name} is written.", where="--apply", do=f"Write {word.usage}.")
    near = nearest(name, tuple(_BY_NAME))
    do = f"Did you mean {near}? " if near else ""
    return Problem(
        f"Nothing is called {name!r}.", where="--apply", do=f"{do}There are: {', '.join(_BY_NAME)}."
    )
