"""The one way in which OpenLoRA tells a person that something is wrong."""

from __future__ import annotations

from typing import Final

from engine.secrets import hidden

BAD_INPUT: Final = 2
WORK_FAILED: Final = 1


class Problem(Exception):
    """Something that a person has to know: what happened, where, why, and what to do.

    Secrets are taken out of its words, which often are those of a library.

    Args:
        what: one sentence, the fact.
        where: file, line and field, or the part of the program; may be empty.
        why: the reason, as far as it is known; may be empty.
        do: what the person can do next; may be empty.
        exit_status: of a command that ends with this problem (2 wrong input, 1 failed work).
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        do: str = "",
        exit_status: int = BAD_INPUT,
    ) -> None:
        self.what, self.where, self.why, self.do = map(hidden, (what, where, why, do))
        super().__init__(self.what)
        self.exit_status = exit_status

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return " ".join(part for part in (head, self.why, self.do) if part)

    def as_dict(self) -> dict[str, str]:
        """The four parts, as `--json` prints them."""
        return {"what": self.what, "where": self.where, "why": self.why, "do": self.do}
