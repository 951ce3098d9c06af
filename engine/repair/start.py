"""What of a check's findings can be mended before a run begins, and is worth being offered then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from engine.findings import Category, Finding
from engine.recipe.recipe import Recipe
from engine.recipe.resuming import changes, values
from engine.recipe.yaml import RecipeFile, changed
from engine.repair.remedies import AFRESH, AGAIN, proposed, urgent

_OPINIONS: Final[frozenset[Category]] = frozenset(
    {
        "hyperparameter", "history", "rank_sufficiency", "quality", "overfit_memorising",
        "empty_or_tiny_dataset", "imbalance",
    }
)  # fmt: skip
"""Findings that a person may well see otherwise: they are told, and not offered."""
_FAILURES: Final[frozenset[Category]] = frozenset({
    "device_mismatch", "quantization_backend", "bf16_unsupported", "target_modules_not_found",
    "dtype_mismatch",
})  # fmt: skip
"""Blockers that the table of remedies can mend where the finding names no patch of its own."""


def offered(findings: Sequence[Finding], recipe: Recipe) -> list[Finding]:
    """The findings with a patch to offer at Start, the gravest first, none of which touches another's fields.

    Those are: what would stop the run; what would spoil it; and what else changes nothing in what is learnt.
    """
    taken: set[str] = set()
    found = []
    for finding in (_with_patch(one, recipe) for one in findings):
        fields = finding.patch.recipe.keys() if finding.patch is not None else set()
        if fields and not fields & taken and _is_offered(finding, recipe):
            taken |= fields
            found.append(finding)
    return found


def mended(file: RecipeFile, found: Sequence[Finding]) -> RecipeFile:
    """The recipe with the patches of `found`; raises Problem where they do not go together."""
    fields: dict[str, Any] = {}
    for finding in found:
        fields |= finding.patch.recipe if finding.patch is not None else {}
    return changed(file, fields)


def _with_patch(finding: Finding, recipe: Recipe) -> Finding:
    if finding.severity != "blocker":
        return finding
    first = next(urgent(recipe, finding), finding.patch)
    if first is None and finding.category in _FAILURES:
        first = next((one for one in proposed(recipe, finding) if one not in (AGAIN, AFRESH)), None)
    return replace(finding, patch=first)


def _is_offered(finding: Finding, recipe: Recipe) -> bool:
    if finding.patch is None or finding.severity == "note":
        return False
    return finding.severity == "blocker" or finding.category not in _OPINIONS or _is_safe(finding, recipe)


def _is_safe(finding: Finding, recipe: Recipe) -> bool:
    """True where the run would learn what it would have learnt."""
    after = replace(recipe, **finding.patch.recipe) if finding.patch is not None else recipe
    return all(change.means == "safe" for change in changes(values(recipe), after))
