"""`openlora check`: everything that would stop or spoil a run, before it is started."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import events as ev
from engine.findings import SEVERITIES
from engine.lessons.dismissals import standing_in
from engine.problem import WORK_FAILED
from engine.recipe import RecipeFile, override, parse, read, text_from
from engine.sources.entry import entries_of
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli import past
from openlora_tui.cli.document import print_document
from openlora_tui.cli.found import counted, finding_lines, words
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.outlet import write_over
from openlora_tui.cli.session import Session

if TYPE_CHECKING:
    from engine.preflight.verdict import Verdict

HELP: Final = "pre-flight: every finding that would stop or spoil a run of a recipe"
_SECONDS: Final = 10.0
_EVERY: Final = 0.5
_CLEAR: Final = "nothing stands in the way"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add("recipe", type=Path, help="a recipe, as `openlora new` writes it; - takes stdin")
    add("--set", action="append", metavar="NAME=VALUE", help="change a recipe field for this check")
    add("--full", action="store_true", help=f"look at all rows, and not for {_SECONDS:.0f} s at most")
    add("--json", action="store_true", help="one JSON document on stdout")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Check and report; 1 where something would stop the run."""
    from engine.preflight.past import remembered

    recipe = override(recipe_in(args.recipe), given_fields(args))
    found = remembered(_verdict(recipe, None if args.full else _SECONDS), past.known())
    if args.json:
        print_document(found.document())
    else:
        print("\n".join(lines(found, words(map(str, entries_of(recipe.recipe.data))))))
    return WORK_FAILED if found.blockers else 0


def recipe_in(path: Path) -> RecipeFile:
    """The recipe in the file; its paths start at the working directory where it comes from stdin."""
    return parse(text_from(sys.stdin.buffer, "stdin")) if str(path) == "-" else read(path)


def glance(recipe: RecipeFile, seconds: float = 0.0) -> Verdict:
    """What all checks say that need no look at the rows; with `seconds`, they are looked at for so long."""
    from engine.preflight.check import Preflight

    preflight = Preflight(recipe)
    if seconds:
        for _ in preflight.steps(seconds):
            pass
    else:
        preflight.count()
    return preflight.verdict()


def blocked(found: Verdict) -> ev.Failed | None:
    """How a run would end at once; None where nothing stops it."""
    blockers = found.blockers
    if not blockers:
        return None
    first, more = blockers[0], len(blockers) - 1
    also = f"`openlora check` lists {more} more." if more else ""
    return ev.Failed(
        run="",
        steps=0,
        what=first.title if first.title.endswith(".") else f"{first.title}.",
        where=first.evidence[0] if first.evidence else "",
        why=first.cause,
        do=" ".join(part for part in (first.remedy, also) if part),
        findings=blockers,
    )


def failed_before(found: Verdict, session: Session) -> list[str]:
    """What past runs say against the recipe, a line each."""
    from engine.preflight.past import past_of, remembered, warned

    root = Path(session.welcome.home)
    told = remembered(found, past_of(session.lessons(past.RECENT), standing_in(root)))
    return [f"{one_line(one.title)}. {one_line(one.remedy)}" for one in warned(told.findings)]


def _verdict(recipe: RecipeFile, seconds: float | None) -> Verdict:
    # Imported on use: `--help` needs none of it.
    from engine.preflight.check import Preflight

    preflight = Preflight(recipe, ask=True)
    live, shown = sys.stderr.isatty(), time.monotonic()
    for share in preflight.steps(seconds):
        now = time.monotonic()
        if live and now - shown > _EVERY:
            shown = now
            write_over(f"looking at the data  {figures.percent(share)}")
    if live:
        write_over("")
    return preflight.verdict()


def lines(found: Verdict, data: str) -> list[str]:
    """The report for people: the gravest first, then what the run would be, then the verdict."""
    facts = [*(f"  {fact}" for fact in found.facts), *([""] if found.facts else [])]
    return [*finding_lines(found.findings, data), *facts, summary(found)]


def summary(found: Verdict) -> str:
    """The verdict in a line."""
    counts = [counted(found.count(severity), severity) for severity in SEVERITIES if found.count(severity)]
    stopped = "this run would be stopped" if found.blockers else _CLEAR
    return f"{stopped}: {', '.join(counts)}" if counts else _CLEAR
