"""A description as the ideas in it: what was said, and in which words."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from engine.advisor.rules.described.ideas import IDEAS

_LINES: Final = 20
"""A description is short; what is longer is a log, and has rules of its own."""
_LETTERS: Final = 3000
_PLAIN: Final = re.compile(r"[A-Za-z][a-z'-]+[,;:]? [A-Za-z'-]+")
"""Two words beside each other, as people write them."""
_PRINTED: Final = re.compile(
    r"\s*(?:(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|Warning|Interrupt|Failure)\b\s*[:(]"
    r"|Traceback \(|File \""
    r"|(?:ERROR|WARNING|INFO|error)\b ?[:|]|\[?\d{4}-\d\d-\d\d|[A-Za-z\d]+(?:_[A-Za-z\d]+)+: \w)"
)
_FEW: Final = 4
_SENTENCE: Final = 7
"""Words of a line, where there are more than a few: programs print short lines, people write sentences."""
_WORD: Final = re.compile(r"(?<!\S)[A-Za-z][a-z'-]+(?=[\s,.;:)]|$)")
_NUMBER: Final = re.compile(r"(?<![A-Za-z])\d[\d.,e-]*")
_FIGURES: Final = 0.5
"""Numbers for each word from which on a line tells figures."""
_SHORT: Final = (("can't", "cannot"), ("won't", "will not"), ("n't", " not"))


class Spoken(msgspec.Struct, frozen=True):
    """What somebody said, in lower case, and the ideas found in it with the words that they stand in."""

    text: str = ""
    ideas: dict[str, str] = {}

    def says(self, needs: str) -> bool:
        """Whether all the ideas that `needs` names were said; `a|b` is either."""
        return all(any(idea in self.ideas for idea in either.split("|")) for either in needs.split())

    def says_any(self, names: str) -> bool:
        """Whether one of the ideas was said."""
        return any(idea in self.ideas for idea in names.split())

    def words_for(self, needs: str) -> list[str]:
        """In which words the ideas of `needs` were said."""
        names = [idea for either in needs.split() for idea in either.split("|")]
        return list(dict.fromkeys(self.ideas[name] for name in names if name in self.ideas))


def spoken(lines: list[str]) -> Spoken:
    """The ideas in a description; nothing where the lines are not one, but the log of a machine."""
    said = [line.strip() for line in lines if line.strip()]
    text = " ".join(said)
    if not said or len(said) > _LINES or len(text) > _LETTERS or not _PLAIN.search(text + " "):
        return Spoken()
    if len(said) > _FEW and len(_WORD.findall(text)) < _SENTENCE * len(said):
        return Spoken()
    text = plain(text)
    found = {idea: match[0].strip() for idea, way in IDEAS.items() if (match := way.search(text))}
    return Spoken(text=text, ideas=found)


def is_printed(lines: list[str]) -> bool:
    """True for what programs print and no person writes: an exception, a frame, a log's line, figures."""
    text = " ".join(lines)
    figures = len(_NUMBER.findall(text)) > _FIGURES * len(_WORD.findall(text))
    return figures or any(_PRINTED.match(line) for line in lines)


def plain(text: str) -> str:
    """`text` in lower case, with straight quotes and every "not" written out."""
    text = text.lower().replace("’", "'")
    for short, whole in _SHORT:
        text = text.replace(short, whole)
    return " ".join(text.split())
