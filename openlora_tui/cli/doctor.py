"""`openlora doctor`: what this machine can do, and what to do about what it cannot."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from typing import Final

from engine import __version__
from engine.doctor.check import Check, State, summary
from engine.problem import WORK_FAILED
from engine.text import one_line
from openlora_tui.cli.document import print_document

HELP: Final = "what this machine can do, and what to do about what it cannot"
_MARKS: Final[dict[State, tuple[str, str]]] = {
    "good": ("✓", "ok"),
    "note": ("●", "note"),
    "warning": ("▲", "WARN"),
    "blocker": ("✗", "STOP"),
}
_WIDEST: Final = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("--online", action="store_true", help="try to reach the hub as well")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 where something keeps every run from working."""
    from engine.doctor import examine, hub

    looks = [*examine.LOOKS, *([("Network", hub.reach)] if args.online else [])]
    found: list[Check] = []
    for checks in examine.examine(looks):
        found += checks
        if not args.json:
            _print_group(checks)
    if args.json:
        print_document({"version": __version__, "summary": summary(found), "checks": found})
    else:
        print(f"\n{summary(found)}")
    return WORK_FAILED if any(check.state == "blocker" for check in found) else 0


def _print_group(checks: list[Check]) -> None:
    if not checks:
        return
    print(f"\n{checks[0].group}")
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    for check in checks:
        for line in lines(check, width, plain=plain):
            print(
                line.encode(sys.stdout.encoding or "ascii", "replace").decode(sys.stdout.encoding or "ascii")
            )
    sys.stdout.flush()


def lines(check: Check, width: int, *, plain: bool = False) -> list[str]:
    """A check as text: mark, name and what was found, then what to do; a path is never broken."""
    mark = _MARKS[check.state][1].ljust(4) if plain else _MARKS[check.state][0]
    head = f"  {mark} {check.name:<12} "
    under = " " * len(head)
    arrow = "-> " if plain else "→ "
    found = textwrap.wrap(
        one_line(check.found), width - len(head), break_long_words=False, break_on_hyphens=False
    )
    do = textwrap.wrap(one_line(check.do), width - len(head) - len(arrow), break_long_words=False,
                       break_on_hyphens=False)  # fmt: skip
    rows = [head + first for first in found[:1]] + [under + line for line in found[1:]]
    rows += [under + (arrow if index == 0 else " " * len(arrow)) + line for index, line in enumerate(do)]
    return [row.rstrip() for row in rows]
