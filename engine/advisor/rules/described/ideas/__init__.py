"""The ideas that people speak in, each with the ways in which it is said."""

from __future__ import annotations

import re
from typing import Final

from engine.advisor.rules.described.ideas import answering, learning, machines, phases, rows

IDEAS: Final[dict[str, re.Pattern[str]]] = {
    idea: re.compile("|".join(f"(?:{way})" for way in ways))
    for part in (learning, answering, phases, machines, rows)
    for idea, ways in part.WAYS.items()
}
"""The ideas by name, to be looked for in text as `spoken` gives it."""
