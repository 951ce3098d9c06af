"""What can be mended before a run starts: offered once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.findings import Finding
from engine.text import one_line
from openlora_tui.modals.ask import Ask, Choice

_NAMED: Final = 4


def mend_first(found: Sequence[Finding], undo: str) -> Ask:
    """The changes that the findings propose: `mend`, `look`, or `start` where nothing would stop the run.

    Args:
        found: findings with a patch, the gravest first.
        undo: the key that takes a change back.
    """
    stops = any(finding.severity == "blocker" for finding in found)
    named = [one_line(finding.patch.label, 90) for finding in found if finding.patch is not None]
    more = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    would = "be stopped" if stops else "be spoilt, or take more than it need"
    many = "This change keeps" if len(named) == 1 else f"These {len(named)} changes keep"
    changes = f"{'; '.join(named[:_NAMED])}{more}"
    text = f"The run would {would}: {one_line(found[0].title, 120)}. {many} it from that: {changes}."
    start = (
        [] if stops else [Choice("start", "start as it is", "nothing is changed; this is not asked again")]
    )
    return Ask(
        "Before it starts",
        text,
        [
            Choice("mend", "mend and start", f"{undo} takes each change back, in the recipe"),
            Choice("look", "look at it first", "evidence, cause and remedy of each finding"),
            *start,
        ],
    )
