"""Answers a question by rules, in plain words, from what is known of the run and from nothing else.

The subject is found by words of the question; what is asked about a step names it (`at 410`, `step 410`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from engine.advisor.answers import course, matter, meaning
from engine.advisor.answers.step import at_step
from engine.advisor.known import Known, Told, cites_in
from engine.findings import Patch

Subject = Callable[[Known], list[str]]

_STEP: Final = re.compile(r"\b(?:at|step|steps|around|near|after|before)\s+#?(\d[\d,]*)\b|\b(\d{2,}[\d,]*)\b")
_FINDING: Final = re.compile(r"\[(\d{1,3})\]|\bfinding\s+#?(\d{1,3})\b")
_CURVE: Final = re.compile(
    r"\b(?:loss|jump|spike|leap|rise|rose|peak|drop|happen|step|curve|bump|went|gradient|norm|worse|why)"
)
_MEANING: Final = re.compile(r"\b(?:what (?:is|are|does|do)|mean(?:s|ing)?|explain|define|meaning of)\b")
_ACTS: Final = re.compile(
    r"\b(?:next|now what|do (?:i|about)|should|fix|mend|repair|change|solve|improve|help)\b"
)

_SUBJECTS: Final[tuple[tuple[str, Subject], ...]] = (
    (r"\b(?:fail|failed|crash|died|dead|broke|stopped|end(?:ed)?|error|killed|wrong|happened)", course.ended),
    (r"\b(?:memory|oom|vram|gib|gb|fit(?:s)?)\b|out of memory", matter.memory),
    (r"\b(?:overfit|memoris|memoriz|generali[sz]|by heart|held.out|eval)", matter.generalises),
    (r"\b(?:learning.rate|lr|learning_rate|warm.?up|schedule)\b", matter.learning_rate),
    (r"\b(?:how long|when|eta|time left|finish|slow|fast|speed|tokens a second)\b", course.time_left),
    (r"\b(?:past|before|earlier|other runs|previous|history|last time|similar)\b", matter.past),
    (r"\b(?:data|dataset|rows?|examples?|duplicates?)\b", matter.rows),
    (r"\bloss\b.*\b(?:high|stuck|flat|not|fall|zero|nan)|\b(?:learn(?:ing|s)?|plateau)\b", matter.learning),
    (r"\b(?:next|now what|should|fix|mend|repair|improve|recommend|advice|advise|do)\b", course.after),
    (r"\b(?:well|good|okay|ok|fine|healthy|going|doing|status|progress|how is|summary)\b", course.going),
)  # fmt: skip
_TWO: Final = 2


def answer(question: str, known: Known) -> Told:
    """What is known about the question; where its subject is not understood, how the run stands."""
    words = " ".join(question.lower().split())
    lines = _named(words, known) or _subjects(words, known) or _other(known)
    text = "\n".join(lines)
    cites = cites_in(text, known.findings)
    return Told(text=text, cites=cites, patch=_patch(known, cites) if _ACTS.search(words) else None)


def step_in(question: str, known: Known) -> int | None:
    """The step that a question is about: one that it names, else the one that the person points at."""
    words = question.lower()
    if not _CURVE.search(words) or _FINDING.search(words):
        return None
    for said in _STEP.finditer(words):
        step = int((said[1] or said[2]).replace(",", ""))
        if said[1] or (known.state is not None and step <= known.state.step):
            return step
    return known.step if re.search(r"\b(?:here|there|this|jump|spike|leap)\b", words) else None


def _named(words: str, known: Known) -> list[str]:
    """What the question names outright: a finding, a step, a key or a word of the field."""
    found = _FINDING.search(words)
    if found is not None:
        return meaning.finding(known, int(found[1] or found[2]))
    step = step_in(words, known)
    if step is not None and known.state is not None:
        return at_step(known, step)
    if not _MEANING.search(words):
        return []
    field = meaning.field_of(words)
    if field is not None:
        return meaning.key(known, field)
    term = meaning.term_of(words)
    plain = re.search(r"\b(?:mean|define|explain|what (?:is|are) (?:a|an|the)?\s*\w+(?: \w+)?\??$)", words)
    return meaning.term(term) if term and plain else []


def _subjects(words: str, known: Known) -> list[str]:
    """What the subjects of the question have to say, of two at most."""
    told: list[str] = []
    for subject in [tell for pattern, tell in _SUBJECTS if re.search(pattern, words)][:_TWO]:
        told += [line for line in subject(known) if line not in told]
    return told


def _other(known: Known) -> list[str]:
    asks = "is it going well, why did it fail, what next, what happened at step N, is it overfitting, "
    return [
        "The rules have no answer to that in so many words; this is how it stands.",
        *course.going(known),
        f"They do answer: {asks}how long, how much memory, what does KEY mean, explain [1].",
    ]


def _patch(known: Known, cites: list[int]) -> Patch | None:
    """The change that the gravest of the findings at hand brings along."""
    patches = [known.findings[number - 1].patch for number in cites]
    return next((patch for patch in patches if patch is not None and patch.recipe), None)
