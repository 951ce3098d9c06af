"""What `openlora train` offers to mend before a run begins: once, and with every change told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from engine import events as ev
from engine.findings import Finding
from engine.problem import Problem
from engine.recipe import RecipeFile
from engine.repair.start import mended, offered
from engine.text import one_line
from openlora_tui.cli.check import blocked, glance

if TYPE_CHECKING:
    from engine.preflight.verdict import Verdict

_ROUNDS: Final = 3
"""A change may bring to light what stood behind it."""
_SECONDS: Final = 5.0
"""For which rows are looked at where changes are made without asking."""


def before(
    recipe: RecipeFile, *, repair: bool, as_json: bool
) -> tuple[RecipeFile, Verdict, ev.Failed | None]:
    """The recipe as it is to be run, what its check says, and how a run would end at once, if it would.

    Args:
        recipe: as it was given.
        repair: make the changes without asking; the recipe's `on_failure: repair` means the same.
        as_json: nobody reads questions.
    """
    unasked = repair or recipe.recipe.on_failure == "repair"
    seconds = _SECONDS if unasked else 0.0
    verdict = glance(recipe, seconds)
    for _ in range(_ROUNDS):
        found = offered(verdict.findings, recipe.recipe)
        tried = _tried(recipe, verdict, found, seconds) if found else None
        if tried is None:
            break
        if not unasked and not (_answers(as_json) and _wanted(found)):
            return recipe, verdict, _with_hint(blocked(verdict), found)
        recipe, verdict = tried
        for finding in found:
            _tell(f"mended: {_label(finding)} ({one_line(finding.title, 100)})")
        if not unasked:
            break
    return recipe, verdict, blocked(verdict)


def _tried(
    recipe: RecipeFile, before: Verdict, found: list[Finding], seconds: float
) -> tuple[RecipeFile, Verdict] | None:
    """The recipe with all the changes and what a check says then; None where that is no better."""
    try:
        after = mended(recipe, found)
        verdict = glance(after, seconds)
    except Problem:
        return None
    stood = {(one.category, one.title) for one in found}
    left = [one for one in verdict.findings if (one.category, one.title) in stood and one.severity != "note"]
    return None if left or len(verdict.blockers) > len(before.blockers) else (after, verdict)


def _answers(as_json: bool) -> bool:
    return not as_json and sys.stdin.isatty() and sys.stderr.isatty()


def _wanted(found: list[Finding]) -> bool:
    for finding in found:
        _tell(f"{finding.severity}: {one_line(finding.title, 160)}\n  {_label(finding)}")
    many = "this change" if len(found) == 1 else f"these {len(found)} changes"
    print(f"Make {many} for this run? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _with_hint(failed: ev.Failed | None, found: list[Finding]) -> ev.Failed | None:
    if failed is None or not any(finding.severity == "blocker" for finding in found):
        return failed
    return replace(failed, do=f"{failed.do} --repair does it: {_label(found[0])}.".strip())


def _label(finding: Finding) -> str:
    return one_line(finding.patch.label, 140) if finding.patch is not None else ""


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
