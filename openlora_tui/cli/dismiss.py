"""`openlora runs dismiss RUN FINDING`: puts a finding aside, with a reason, as far as it is to reach."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from engine import messages as m
from engine import paths
from engine.findings import Finding
from engine.lessons.dismissals import dismissal
from engine.problem import Problem
from engine.remarks import Scope, name_of
from engine.run_dir import RunDir
from engine.text import one_line
from openlora_tui.cli import several
from openlora_tui.cli.session import Session


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add(
        "finding", help="its rule or category, as `openlora advise RUN --json` names it, or part of its title"
    )
    add("--scope", choices=get_args(Scope), default="run", help="as far as it is to reach [run]")
    add("--reason", default="", metavar="WORDS", help="why; it is remembered")
    add("--undo", action="store_true", help="take it back")


def dismiss(args: argparse.Namespace) -> int:
    """Put a finding of a run aside, or take that back."""
    with Session(paths.home()) as session:
        run = session.named(args.run)
        finding = _named(_findings(session, run), args.finding, run)
        said = dismissal(finding, args.scope, one_line(args.reason, 200), undone=args.undo)
        session.remark(run, said)
    what = f"{'taken back' if args.undo else 'put aside'}: {one_line(finding.title, 100)}"
    return several.told(args, m.Accepted(request="", run=run, note=what))


def _findings(session: Session, run: str) -> list[Finding]:
    """What the run has told, and what `openlora advise` says of it."""
    # Imported on use: `--help` needs none of it.
    from engine.advisor.diagnose import diagnose
    from engine.advisor.read.own import case_of_run

    state = session.state(run)
    return [*state.findings, *diagnose(case_of_run(RunDir(Path(session.welcome.home), run), state))]


def _named(findings: list[Finding], word: str, run: str) -> Finding:
    wanted = word.lower()
    for one in findings:
        if wanted in (name_of(one).lower(), one.category):
            return one
    found = [one for one in findings if wanted in one.title.lower()]
    if len({one.title for one in found}) == 1:
        return found[0]
    names = ", ".join(dict.fromkeys(name_of(one) for one in findings)) or "none"
    what = "fits several findings" if found else "names no finding"
    raise Problem(f"{one_line(word, 60)!r} {what} of run {run}.", do=f"It has {names}.")
