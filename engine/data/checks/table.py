"""All checks, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.data.checks.answers import ANSWERS
from engine.data.checks.characters import CHARACTERS
from engine.data.checks.check import Back, RowCheck, SetCheck
from engine.data.checks.endings import UNFINISHED, CutAtOneLength
from engine.data.checks.languages import Languages
from engine.data.checks.leftovers import LEFTOVERS
from engine.data.checks.mojibake import MOJIBAKE
from engine.data.checks.pii import PII
from engine.data.checks.placeholders import PLACEHOLDERS
from engine.data.checks.prompts import Prompts
from engine.data.checks.refusals import REFUSALS
from engine.data.checks.repetition import REPETITION
from engine.data.checks.roles import ROLES
from engine.data.checks.sameness import Sameness
from engine.data.checks.sizes import BLOB, Sizes
from engine.data.checks.special_tokens import SPECIAL_TOKENS

ROW_CHECKS: Final[tuple[RowCheck, ...]] = (
    PLACEHOLDERS,
    ROLES,
    *ANSWERS,
    REPETITION,
    UNFINISHED,
    BLOB,
    PII,
    SPECIAL_TOKENS,
    MOJIBAKE,
    *CHARACTERS,
    *REFUSALS,
    LEFTOVERS,
)
SET_CHECKS: Final[tuple[Callable[[Back], SetCheck], ...]] = (
    Prompts,
    Sameness,
    CutAtOneLength,
    Sizes,
    Languages,
)
