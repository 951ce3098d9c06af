"""`openlora check`: everything that would stop or spoil a run, before it is started."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import events as ev
from engine.findings import SEVERITIES, Finding, Patch, Severity
from engine.problem import WORK_FAILED
from engine.recipe import RecipeFile, override, parse, read, text_from
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.document import print_document
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.outlet import write_over

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
    recipe = override(recipe_in(args.recipe), given_fields(args))
    found = _verdict(recipe, None if args.full else _SECONDS)
    if args.json:
        print_document(found.document())
    else:
        print("\n".join(lines(found)))
    return WORK_FAILED if found.blockers else 0


def recipe_in(path: Path) -> RecipeFile:
    """The recipe in the file; its paths start at the working directory where it comes from stdin."""
    return parse(text_from(sys.stdin.buffer, "stdin")) if str(path) == "-" else read(path)


def blocked(recipe: RecipeFile) -> ev.Failed | None:
    """How a run of the recipe would end at once, by all checks that need no look at the rows; else None."""
    from engine.preflight.check import Preflight

    preflight = Preflight(recipe)
    preflight.count()
    blockers = preflight.verdict().blockers
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


def lines(found: Verdict) -> list[str]:
    """The report for people: the gravest first, then what the run would be, then the verdict."""
    told: list[str] = []
    for severity in SEVERITIES:
        of_it = [finding for finding in found.findings if finding.severity == severity]
        if of_it:
            told += [_counted(len(of_it), severity).upper(), ""]
            for finding in of_it:
                told += [*_lines_of(finding), ""]
    told += [*(f"  {fact}" for fact in found.facts), *([""] if found.facts else [])]
    return [*told, summary(found)]


def summary(found: Verdict) -> str:
    """The verdict in a line."""
    counts = [_counted(found.count(severity), severity) for severity in SEVERITIES if found.count(severity)]
    stopped = "this run would be stopped" if found.blockers else _CLEAR
    return f"{stopped}: {', '.join(counts)}" if counts else _CLEAR


def _counted(count: int, severity: Severity) -> str:
    return f"{count} {severity}{'' if count == 1 else 's'}"


def _lines_of(finding: Finding) -> Iterator[str]:
    sure = f"  ({figures.percent(finding.confidence)} sure)" if finding.confidence < 1 else ""
    yield f"  {one_line(finding.title)}{sure}"
    for text in finding.evidence:
        yield f"      {one_line(text)}"
    for text in (finding.cause, finding.remedy):
        if text:
            yield f"    {one_line(text)}"
    if finding.patch is not None:
        yield f"    > {patched(finding.patch)}"


def patched(patch: Patch) -> str:
    """What would apply the patch, as words of a command."""
    if patch.recipe:
        return " ".join(
            f"--set {shlex.quote(f'{name}={_written(value)}')}" for name, value in patch.recipe.items()
        )
    return f"openlora inspect DATA --apply {' '.join(map(shlex.quote, patch.data))} -o NEW"


def _written(value: object) -> str:
    from engine.recipe.edit import written

    return "null" if value is None else value if isinstance(value, str) else written(value)
