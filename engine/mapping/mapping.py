"""What a mapping says."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Strip = Literal["html", "quoted_replies", "signatures"]


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of a conversation that is composed."""

    role: str
    content: str
    """A template."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How the columns of a file become rows that can be learnt from.

    Its templates, such as `"{title}\\n\\n{body}"`, make the columns of a shape: `question` and `answer`
    become a conversation, `prompt` and `completion` are learnt as they stand, `text` is learnt whole, and
    `messages` are turns. Where none is composed, the columns stay, and only `filter` and `strip` act.
    """

    question: str = ""
    answer: str = ""
    prompt: str = ""
    completion: str = ""
    text: str = ""
    messages: list[Turn] = []
    system: str = ""
    """Goes before the turns."""

    each: str = ""
    """A list inside a row; each of its items becomes an example, and takes the list's place in templates."""
    turns: str = ""
    """A list inside a row; each of its items is a turn, and takes the list's place in templates."""
    group_by: list[str] | str = []
    """Columns whose values rows of one conversation share; each row is a turn."""
    order_by: str = ""
    """The column by which the rows of a conversation are sorted; the order of the file where left out."""
    role_column: str = ""
    """Who speaks in a turn; where left out, user and assistant take turns."""
    content: str = ""
    """What is said in a turn."""
    roles: dict[str, str] = {}
    """What values of `role_column` mean: user, assistant, system, tool or skip; `*` for all others."""

    filter: list[str] | str = []
    """Conditions that a row has to fulfil, such as `lang == en and score >= 3`."""
    strip: list[Strip] = []
    """What is taken out of the texts of columns before they are composed."""
    labels: list[str] | dict[str, str] = {}
    """Names for what stands in the answer, such as those of class numbers."""

    @property
    def conditions(self) -> list[str]:
        """All of `filter`."""
        return [self.filter] if isinstance(self.filter, str) and self.filter else list(self.filter)

    @property
    def keys(self) -> list[str]:
        """All columns of `group_by`."""
        return [self.group_by] if isinstance(self.group_by, str) and self.group_by else list(self.group_by)

    @property
    def names(self) -> dict[str, str]:
        """`labels` by what stands in the answer."""
        if isinstance(self.labels, dict):
            return self.labels
        return {str(number): name for number, name in enumerate(self.labels)}

    @property
    def composes(self) -> bool:
        """True where it makes columns, and does not only filter and strip those that are there."""
        return bool(
            self.question or self.answer or self.prompt or self.completion or self.text or self.messages
            or self.turns or self.keys
        )  # fmt: skip


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping that may be what is meant."""

    mapping: Mapping
    reason: str
    """Why, in a sentence."""
    confidence: float
    """0 to 1."""


def plain(mapping: Mapping) -> dict[str, Any]:
    """What it says, without what it leaves out."""
    words: dict[str, Any] = msgspec.to_builtins(mapping)
    return words
