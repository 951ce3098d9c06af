"""`openlora inspect --perplexity`: how much each answer surprises the base model, measured in a worker."""

from __future__ import annotations

import argparse
import os
import sys

from engine.inspection import surprise
from engine.inspection.surprise import Asked, Measured
from engine.inspection.talk import Spec
from engine.problem import WORK_FAILED, Problem
from engine.text import one_line
from openlora_tui.cli.outlet import write_over


def measured(args: argparse.Namespace) -> Measured:
    """Ask the engine for it and wait, with a line on a terminal that says how far it is.

    Raises:
        Problem: no model is named, or it cannot be used.
    """
    if not args.model:
        raise Problem(
            "Perplexity needs a model.", where="--perplexity", do="Name it: --model FOLDER or a hub id."
        )
    # Imported on use: nothing else here needs the engine.
    from engine import paths
    from openlora_tui.cli.session import Session

    name = os.path.expanduser(args.model)
    spec = Spec(
        files=[os.path.abspath(file) for file in args.data],
        model=os.path.abspath(name) if os.path.isdir(name) else args.model,
        max_length=args.max_length,
        data_format=args.data_format,
        mapping=args.mapping,
    )
    asked = Asked(spec=spec, seed=args.seed)
    live = sys.stderr.isatty()
    with Session(paths.home()) as session, session.begin("perplexity", surprise.encode(asked)) as talk:
        for body in talk.bodies():
            came = surprise.measured(body)
            if live:
                write_over("" if came.done else f"{came.measured:,} of {came.whole:,} answers measured")
            if came.done:
                return came
    raise Problem("The measurement ended early.", do="Try again.", exit_status=WORK_FAILED)


def lines(found: Measured) -> list[str]:
    """What was found, for a person."""
    if found.perplexity is None:
        return ["", "perplexity   no answer is long enough to be measured"]
    of = f" of {found.of:,} rows, drawn by the seed" if found.of > found.whole else ""
    told = [
        "",
        f"perplexity   {found.perplexity:,.1f} of the base model on {len(found.rows):,} answers{of}",
    ]
    for finding in found.findings():
        told += ["", f"{finding.severity}: {one_line(finding.title)}"]
        told += [f"  {one_line(text)}" for text in [*finding.evidence, finding.cause, finding.remedy]]
    return told
