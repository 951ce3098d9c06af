"""A problem that also says which kind of failure it is, so that a finding can carry it."""

from __future__ import annotations

from engine.findings import Category
from engine.problem import BAD_INPUT, Problem


class Refusal(Problem):
    """A problem with a finding's category; the other arguments are those of `Problem`."""

    def __init__(
        self,
        category: Category,
        what: str,
        *,
        where: str = "",
        why: str = "",
        do: str = "",
        exit_status: int = BAD_INPUT,
    ) -> None:
        super().__init__(what, where=where, why=why, do=do, exit_status=exit_status)
        self.category: Category = category


def as_refusal(category: Category, problem: Problem) -> Refusal:
    """The problem as a refusal of that category."""
    return Refusal(category, problem.what, where=problem.where, why=problem.why, do=problem.do)
