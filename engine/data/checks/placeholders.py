"""Blanks of a template that nobody filled in."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.seen import Seen

_BLANK: Final = re.compile(r"\{\{\s*[\w.]+\s*\}\}")


def _look(seen: Seen) -> str:
    found = _BLANK.search(seen.answer) or _BLANK.search(seen.prompt)
    return found.group() if found else ""


PLACEHOLDERS: Final = RowCheck(
    name="placeholder",
    category="placeholder",
    severity="warning",
    title="hold placeholders that nobody filled in",
    cause="The rows come from a template whose blanks, such as {{name}}, were never replaced.",
    remedy="Fill them in, or leave these rows out: the model learns to write the blanks.",
    look=_look,
)
