"""What people and the advisor say of a run beside what its job reports: events too, and their fold."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

import msgspec

from engine.event import Count, Event
from engine.findings import Category, Finding, Patch

Scope = Literal["run", "dataset", "model", "always"]
"""How far a dismissal reaches."""
_KEPT: Final = 64
_FIGURES: Final = re.compile(r"\d[\d,.]*")
_CATEGORIES: Final = frozenset(get_args(Category))


class Dismissed(Event, frozen=True, kw_only=True):
    """A person put a finding aside, or took that back."""

    found: str
    """`name_of` the finding."""
    title: str = ""
    scope: Scope = "run"
    reason: str = ""
    undone: bool = False
    """True where an earlier dismissal of the same finding and scope is taken back."""


class Labelled(Event, frozen=True, kw_only=True):
    """A person gave the run another name, tags or a note, or had it forgotten; None changes nothing."""

    name: str | None = None
    tags: list[str] | None = None
    note: str | None = None
    forgotten: bool | None = None
    """True where what it taught is to count no more."""


class Tried(Event, frozen=True, kw_only=True):
    """The run was begun to see whether a patch helps where another run failed or fell short."""

    category: Category
    """What was found there."""
    found: str = ""
    """`name_of` the finding."""
    patch: Patch
    run: str
    """Where it was found."""
    by: str = ""
    """`engine`, or the front end through which a person asked for it."""
    attempt: Count = 1
    """How many runs of this chain were begun so, this one included."""


class Followed(Event, frozen=True, kw_only=True):
    """Whether another run was begun to mend this one, and with what."""

    run: str = ""
    """The new run; empty where none was begun."""
    text: str
    """What is changed in it, or why there is none."""


class Said(Event, frozen=True, kw_only=True):
    """The advisor, or a person, says something of a step: it stands at the chart."""

    text: str
    step: Count | None = None
    by: str = "advisor"
    cites: list[str] = []
    """`name_of` the findings that it rests on."""


Remark = Dismissed | Labelled | Tried | Said


class Remarks(msgspec.Struct, kw_only=True):
    """All that was said of a run, in bounded space."""

    dismissed: list[Dismissed] = []
    tags: list[str] = []
    note: str = ""
    forgotten: bool = False
    tried: list[Tried] = []
    said: list[Said] = []
    followed: Followed | None = None

    def take(self, remark: Remark | Followed) -> None:
        """Fold one remark in."""
        match remark:
            case Dismissed():
                others = [d for d in self.dismissed if not _again(d, remark)]
                self.dismissed = [*others, *([] if remark.undone else [remark])][-_KEPT:]
            case Labelled():
                self.tags = self.tags if remark.tags is None else remark.tags[:_KEPT]
                self.note = self.note if remark.note is None else remark.note
                self.forgotten = self.forgotten if remark.forgotten is None else remark.forgotten
            case Tried():
                self.tried = [*self.tried, remark][-_KEPT:]
            case Followed():
                self.followed = remark
            case Said():
                self.said = [*self.said, remark][-_KEPT:]


def alike(one: str, other: str) -> bool:
    """True for titles that differ by their figures at most."""
    return _FIGURES.sub("#", one) == _FIGURES.sub("#", other)


def same(found: str, one: str, other: str) -> bool:
    """True where dismissals of `found` with these titles mean one finding.

    What a check has found is known by the check; of no check, a finding shares its name with its category.
    """
    return found not in _CATEGORIES or not (one and other) or alike(one, other)


def _again(one: Dismissed, other: Dismissed) -> bool:
    return (one.found, one.scope) == (other.found, other.scope) and same(one.found, one.title, other.title)


def name_of(finding: Finding) -> str:
    """What a finding is called where it is dismissed or remembered: its check, else its category."""
    return finding.check or finding.category
