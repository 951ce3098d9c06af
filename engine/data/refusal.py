"""A problem that also says which kind of failure it is, so that a finding can carry it."""

from __future__ import annotations

from collections.abc import Callable

from engine.findings import Category, Patch
from engine.problem import BAD_INPUT, Problem


class Refusal(Problem):
    """A problem with a finding's category and patch; the other arguments are those of `Problem`."""

    raw: str = ""
    """The row as it stands in its file, where a reader refuses a row and can tell where it ends."""

    def __init__(
        self,
        category: Category,
        what: str,
        *,
        where: str = "",
        why: str = "",
        do: str = "",
        exit_status: int = BAD_INPUT,
        patch: Patch | None = None,
    ) -> None:
        super().__init__(what, where=where, why=why, do=do, exit_status=exit_status)
        self.category: Category = category
        self.patch = patch
        """What would mend it, where that is known."""
        self.cause = ""
        """Why it came about, where `why` says what was seen."""
        self.evidence: list[str] = []
        """What was seen, a line each, where that is more than a line."""

    def at(self, where: str) -> Refusal:
        """The same of another place, without looking for secrets in its words once more."""
        same = type(self).__new__(type(self), self.what)
        same.__dict__.update(self.__dict__)
        same.where = where
        return same


Bad = Callable[[Refusal], None]
"""Is told of a row that cannot be read (`where` is its `file:line`), behind which the reader goes on."""


def passed_over(_: Refusal) -> None:
    """A `Bad` for reading anew what was told of before."""


def or_raise(bad: Bad | None, refusal: Refusal, raw: str = "") -> None:
    """Tell `bad` of a row that cannot be read; raise the refusal where nobody wants to go on."""
    if bad is None:
        raise refusal
    refusal.raw = raw
    bad(refusal)


def as_refusal(category: Category, problem: Problem) -> Refusal:
    """The problem as a refusal of that category."""
    return Refusal(category, problem.what, where=problem.where, why=problem.why, do=problem.do)
