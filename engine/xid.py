"""Errors that NVIDIA's driver writes into the kernel's log (Xid), and what they mean for a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from engine import kernel_log
from engine.text import one_line

_XID: Final = re.compile(r"NVRM: Xid \((?P<place>[^)]*)\): (?P<number>\d+)(?P<rest>.*)")
_PID: Final = re.compile(r"pid='?(\d+)")
_BEFORE: Final = 120.0
"""Seconds before a run was heard last in which an error may have ended it."""
_AFTER: Final = 60.0
"""Seconds after it; what comes later belongs to others."""


class Meaning(NamedTuple):
    """What an error says."""

    words: str
    do: str
    lasting: bool
    """True where the next run on the card meets it too."""


_RESET: Final = "Reset the card (nvidia-smi --gpu-reset) or reboot, then run again"
_REPLACE: Final = "Reboot; if it comes again, have the card, its seat, its power and its cooling looked at"
_OWN: Final = "Run it again; if it comes again at the same step, it is the program or its kernel"
MEANINGS: Final = {
    13: Meaning("a program did what the card does not allow", _OWN, lasting=False),
    31: Meaning("a program reached for memory that is not its own", _OWN, lasting=False),
    43: Meaning("the card ended a program's work", _OWN, lasting=False),
    45: Meaning("the work was given up because a program ended", _OWN, lasting=False),
    48: Meaning("memory of the card is damaged (double-bit ECC error)", _RESET, lasting=True),
    61: Meaning("the card's own controller stopped", _REPLACE, lasting=True),
    62: Meaning("the card's own controller stopped", _REPLACE, lasting=True),
    63: Meaning("a damaged row of the card's memory is put aside", _RESET, lasting=True),
    64: Meaning("a damaged row of the card's memory could not be put aside", _REPLACE, lasting=True),
    74: Meaning("the link between cards (NVLink) fails", _RESET, lasting=True),
    79: Meaning("the card has fallen off the bus", _REPLACE, lasting=True),
    94: Meaning("memory of the card is damaged; only this program met it", _RESET, lasting=False),
    95: Meaning("memory of the card is damaged, and all programs meet it", _RESET, lasting=True),
    119: Meaning("the card's own processor (GSP) does not answer", _RESET, lasting=True),
    120: Meaning("the card's own processor (GSP) failed", _RESET, lasting=True),
    154: Meaning("the card asks for a reset", _RESET, lasting=True),
}
"""From NVIDIA's table of Xid errors; those that a training run meets."""
_UNKNOWN: Final = Meaning("an error of the card or its driver", _REPLACE, lasting=False)


class Xid(NamedTuple):
    """One error."""

    number: int
    place: str
    """The card's place on the bus."""
    pid: int
    """The process that it tells of; 0 where it tells of none."""
    line: str

    @property
    def meaning(self) -> Meaning:
        """What it says."""
        return MEANINGS.get(self.number, _UNKNOWN)


def logged(heard: float, pid: int, log: Path = Path("/dev/kmsg")) -> Xid | None:
    """The gravest error around the time at which the process was `heard` last, None where there is none.

    Errors that name other processes are passed over, unless they outlast a process.
    """
    near = [line for line in kernel_log.lines_since(heard - _BEFORE, log) if line.t <= heard + _AFTER]
    found = [xid for line in near if (xid := _read(line.text))]
    mine = [xid for xid in found if xid.pid in (0, pid) or xid.meaning.lasting]
    return max(mine, key=lambda xid: xid.meaning.lasting, default=None)


def _read(text: str) -> Xid | None:
    said = _XID.search(text)
    if said is None:
        return None
    pid = _PID.search(said["rest"])
    return Xid(int(said["number"]), said["place"], int(pid[1]) if pid else 0, one_line(text, 200))
