"""Answers a question by rules, in plain words, from what is known of the run and from nothing else.

The subject is found by words of the question; what is asked about a step names it (`at 410`, `step 410`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from engine.advisor.answers import aside, course, matter, meaning
from engine.advisor.answers.step import at_step, jumps
from engine.advisor.known import Known, Told, cites_in
from engine.findings import Patch

Subject = Callable[[Known], list[str]]

_STEP: Final = re.compile(
    r"\b(?:at|step|around|near|after|before)\s+(?:step\s+)?#?(\d[\d,]*)\b|\b(\d{2,}[\d,]*)\b"
)
_FINDING: Final = re.compile(r"\[(\d{1,3})\]|\bfinding\s+#?(\d{1,3})\b")
_ORDINAL: Final = re.compile(r"\b(first|second|third|fourth|fifth)\s+(?:finding|one|point|warning)\b")
_NTH: Final = ("first", "second", "third", "fourth", "fifth")
_CURVE: Final = re.compile(r"\b(?:loss|step|curve|gradient|norm|worse)\b")
_MOVES: Final = re.compile(r"\b(?:jump|spike|leap|leapt|r[io]se|peak|dr[oa]p|happen|bump|went|goes|why|what)")
_HERE: Final = re.compile(r"\b(?:here|there|this step|jump|spike|leap)\b")
_MEANING: Final = re.compile(r"\b(?:what (?:is|are|does|do)|what's|mean(?:s|ing)?|explain|define)\b")
_ACTS: Final = re.compile(
    r"\b(?:next|now what|do (?:i|about)|should|fix|mend|repair|change|solve|improve|help)\b"
)

_SUBJECTS: Final[tuple[tuple[str, Subject], ...]] = (
    (r"\b(?:fail|crash|died|dead\b|broke|killed|aborted)|why did it (?:stop|end)|^\s*why\W*$", course.ended),
    (r"\b(?:memory|oom|vram|gib|gb|fits?)\b", matter.memory),
    (r"\b(?:jump|spike|leap|unstable|nois[ye]|bump)", jumps),
    (r"\b(?:cut off|truncat|max.length)", matter.cut),
    (r"\b(?:sample|wr[io]te|says|answers? (?:like|look))", aside.samples),
    (r"\bcheckpoint", aside.checkpoints),
    (r"\b(?:stop (?:it|now|this|the run)|kill it)\b", course.stop),
    (r"\b(?:longer|epochs?|enough|more steps|early|keep going)\b", aside.longer),
    (r"\b(?:overfit|memoris|memoriz|generali[sz]|by heart|held.out|eval)", matter.generalises),
    (r"\b(?:learning.rate|lr|warm.?up|schedule)\b", matter.learning_rate),
    (r"\b(?:faster|quicker|speed (?:it )?up|accelerate|bigger batch|larger batch)", aside.faster),
    (r"\b(?:how long|when|eta|time left|finish|done|slow|fast|speed|tokens a second)\b", course.time_left),
    (r"\b(?:past|earlier|other runs|previous|history|last (?:time|run)|similar|run \d+)\b", matter.past),
    (r"\b(?:data|dataset|rows?|examples?|duplicates?)\b", matter.rows),
    (r"\bloss\b.*\b(?:high|stuck|flat|not|fall|zero|nan|down)|\blearn[st]?\b|\blearning(?! rate)|\bplateau",
     matter.learning),
    (r"\b(?:gpu|cuda|cpu|card|device)\b", aside.place),
    (r"\bloss\b.*\bgood\b", aside.level),
    (r"\b(?:next|now what|should|fix|mend|repair|recommend|advi[cs]e|do i do)\b", course.after),
    (r"\b(?:well|good|okay|ok|fine|healthy|going|doing|status|progress|how is|summar|improve)", course.going),
    (r"\b(?:wrong|happened|problem|error|finding|warning)", course.ended),
)  # fmt: skip
_PLAIN: Final = ("data", "model", "method", "adapter", "devices")
"""Keys that are words of any question."""
_TWO: Final = 2
_BOTH: Final = re.compile(r"\band\b|[,;]|\?.*\?")
"""What joins two questions."""
_FEW: Final = 3
"""Words below which nothing is described."""


def answer(question: str, known: Known) -> Told:
    """What is known about the question; where its subject is not understood, how the run stands."""
    words = " ".join(question.lower().replace("’", "'").split())
    lines = (
        _named(words, known)
        or aside.way_to(known, words)
        or _symptom(words, known)
        or _subjects(words, known)
        or _other(known)
    )
    text = "\n".join(
        line for at, line in enumerate(lines) if not any(line in before for before in lines[:at])
    )
    cites = cites_in(text, known.findings)
    return Told(text=text, cites=cites, patch=_patch(known, cites) if _ACTS.search(words) else None)


def step_in(question: str, known: Known) -> int | None:
    """The step that a question is about: one that it names, else the one that the person points at."""
    words = question.lower()
    if not _MOVES.search(words) or _FINDING.search(words):
        return None
    about = _CURVE.search(words) is not None or _HERE.search(words) is not None
    for said in _STEP.finditer(words):
        step = int((said[1] or said[2]).replace(",", ""))
        if about and (said[1] or (known.state is not None and step <= known.state.step)):
            return step
    return known.step if _HERE.search(words) else None


def _named(words: str, known: Known) -> list[str]:
    """What the question names outright: a finding, a step, a key or a word of the field."""
    found, nth = _FINDING.search(words), _ORDINAL.search(words)
    if found is not None or nth is not None:
        return meaning.finding(known, int(found[1] or found[2]) if found else _NTH.index(nth[1]) + 1)  # type: ignore[index]
    step = step_in(words, known)
    if step is not None and known.state is not None:
        return at_step(known, step)
    if not _MEANING.search(words):
        return []
    field = meaning.field_of(words)
    if field is not None and (field.name not in _PLAIN or "mean" in words):
        return meaning.key(known, field)
    term = meaning.term_of(words)
    plain = re.search(
        r"\b(?:mean|define|explain)|\bwhat(?:'s| is| are) (?:a |an |the )?[\w -]{3,20}\??$", words
    )
    return meaning.term(term) if term and plain and "best" not in words else []


def _symptom(words: str, known: Known) -> list[str]:
    """What the question describes, where it is no question about the figures."""
    if _STEP.search(words) or _CURVE.search(words) or len(words.split()) < _FEW:
        return []
    return aside.symptom(known, words)


def _subjects(words: str, known: Known) -> list[str]:
    """What the subjects of the question have to say, of two at most."""
    told: list[str] = []
    most = _TWO if _BOTH.search(words) else 1
    found = [(said.start(), tell) for pattern, tell in _SUBJECTS if (said := re.search(pattern, words))]
    for _, subject in sorted(found[:most], key=lambda one: one[0]):
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
