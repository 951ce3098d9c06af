"""All checks, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.data.checks.check import Back, RowCheck, SetCheck
from engine.data.checks.placeholders import PLACEHOLDERS

ROW_CHECKS: Final[tuple[RowCheck, ...]] = (PLACEHOLDERS,)
SET_CHECKS: Final[tuple[Callable[[Back], SetCheck], ...]] = ()
