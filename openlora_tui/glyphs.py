"""The marks that the screens draw with, in Unicode and in plain ASCII, and the words that go with them."""

from __future__ import annotations

from typing import Final

import msgspec


class Glyphs(msgspec.Struct, frozen=True):
    """One set of marks; a mark never stands without a word."""

    status: dict[str, str]
    severity: dict[str, str]
    mark: dict[str, str]
    spinner: str
    blocks: str
    """Eighths of a progress bar, from empty to full."""
    thin: str
    """A full cell and a half one of a thin bar."""
    levels: str
    """Heights of a one-row chart, from lowest to highest."""
    eval_dot: str
    rule: str
    wall: str
    dashed_wall: str
    dash: str
    newline: str
    """Where a line of shown text ends."""
    border: str
    """Between two tokens."""
    corner: str
    tick: str
    dot: str
    cursor: str
    parent: str
    """Between a run and the one that it came from."""
    opened: str
    """Before the heading of a section that is open."""
    closed: str
    marked: str
    """Before the name of a run that is marked."""
    braille: bool
    ellipsis: str


UNICODE: Final = Glyphs(
    status={
        "queued": "◦", "starting": "▹", "running": "▸", "paused": "‖", "stopping": "▪",
        "succeeded": "✓", "stopped": "■", "interrupted": "!", "failed": "✗",
    },
    severity={"blocker": "✗", "warning": "▲", "note": "●"},
    mark={"evaluated": "○", "saved": "●", "resumed": "↺", "paused": "‖", "finding": "▲", "stopped": "■",
          "back": "«", "rate": "↓", "said": "»"},
    spinner="⠋⠙⠸⠴⠦⠇",
    blocks=" ▏▎▍▌▋▊▉█",
    thin="━╸",
    levels="▁▂▃▄▅▆▇█",
    eval_dot="○",
    rule="─",
    wall="│",
    dashed_wall="┊",
    dash="┄",
    newline="⏎",
    border="·",
    corner="└",
    tick="┤",
    dot="·",
    cursor="▌",
    parent="←",
    opened="▾",
    closed="▸",
    marked="●",
    braille=True,
    ellipsis="…",
)  # fmt: skip

ASCII: Final = Glyphs(
    status={
        "queued": ".", "starting": ">", "running": ">", "paused": "=", "stopping": "#",
        "succeeded": "+", "stopped": "#", "interrupted": "!", "failed": "x",
    },
    severity={"blocker": "x", "warning": "!", "note": "*"},
    mark={"evaluated": "o", "saved": "*", "resumed": "@", "paused": "=", "finding": "^", "stopped": "#",
          "back": "<", "rate": "v", "said": ">"},
    spinner="-\\|/",
    blocks=" ########",
    thin="=-",
    levels="_.,-~=+#",
    eval_dot="o",
    rule="-",
    wall="|",
    dashed_wall=":",
    dash="-",
    newline="$",
    border="|",
    corner="+",
    tick="+",
    dot="-",
    cursor=">",
    parent="<",
    opened="-",
    closed="+",
    marked="*",
    braille=False,
    ellipsis="~",
)  # fmt: skip

STATUS_ROLE: Final = {
    "queued": "dim", "starting": "accent", "running": "accent", "paused": "warn", "stopping": "warn",
    "succeeded": "ok", "stopped": "text", "interrupted": "warn", "failed": "bad",
}  # fmt: skip
SEVERITY_ROLE: Final = {"blocker": "bad", "warning": "warn", "note": "dim"}
MARK_ROLE: Final = {
    "evaluated": "chart-eval", "saved": "dim", "resumed": "accent", "paused": "dim",
    "finding": "warn", "stopped": "dim", "back": "bad", "rate": "accent", "said": "accent",
}  # fmt: skip

MARK_WORDS: Final = {
    "evaluated": "Loss on held-out rows.",
    "saved": "A checkpoint.",
    "resumed": "A worker went on from a checkpoint.",
    "paused": "A pause.",
    "finding": "Something was found; the findings say what.",
    "stopped": "A stop was asked for.",
    "back": "A step spoilt the run, and it went back to a checkpoint.",
    "rate": "Another learning rate from here on.",
    "said": "The advisor, or you, said something of this step.",
}
"""What the marks on a curve mean."""


def status_word(status: str, phase: str) -> str:
    """What a person calls the status: the phase while it runs."""
    if status == "running":
        return phase or "training"
    return status
