"""`openlora inspect DATA --apply WORD -o NEW`: writes a dataset with its flaws mended."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

from engine.problem import Problem
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.asked import rules_asked
from openlora_tui.cli.document import print_document
from openlora_tui.cli.outlet import write_over

if TYPE_CHECKING:
    from engine.data.mend.mending import Made, Mending

_EVERY: Final = 0.5


def mend(args: argparse.Namespace) -> int:
    """Write the new dataset, and say what was done."""
    if not args.apply:
        raise Problem("There is nothing to be done to the rows.", where="--output", do="Add --apply WORD.")
    if args.output is None:
        raise Problem("The new dataset has no name.", where="--apply", do="Name it: -o NEW.jsonl.")
    made = _made(_mending(args))
    if args.json:
        print_document(made)
        return 0
    for line in _lines(made):
        print(line)
    return 0


def _mending(args: argparse.Namespace) -> Mending:
    # Imported on use: `--help` needs no tokenizer.
    from engine.data.held import held_of
    from engine.data.inspect import Inspection
    from engine.data.mend.mending import Mending
    from engine.data.mend.setting import Setting
    from engine.data.named import tokenizer_of

    tokenizer = tokenizer_of(args.model, rules_asked(args)) if args.model else None
    inspection = Inspection(
        args.data,
        tokenizer,
        model=args.model,
        max_length=args.max_length,
        data_format=args.data_format,
        mapping=args.mapping,
    )
    held = held_of(args.eval_files, args.data_format, args.mapping)
    setting = Setting(inspection, args.max_length, args.seed, held)
    return Mending(args.data, args.apply, args.output, setting, force=args.force)


def _made(mending: Mending) -> Made:
    """Do all the work, with a line on a terminal that says how far it is."""
    live, shown = sys.stderr.isatty(), time.monotonic()
    for share in mending.steps():
        now = time.monotonic()
        if live and now - shown > _EVERY:
            shown = now
            write_over(f"{figures.percent(share)}  writing")
    if live:
        write_over("")
    assert mending.made is not None
    return mending.made


def _lines(made: Made) -> list[str]:
    lines = []
    for note in made.steps:
        done = [
            *([f"{len(note.dropped):,} rows left out"] if note.dropped else []),
            *([f"{len(note.changed):,} rows changed"] if note.changed else []),
            *([f"{note.added:,} rows more"] if note.added else []),
        ]
        lines.append(f"{one_line(note.apply)}   {', '.join(done) or 'nothing to do'}")
        first = [*note.dropped.first, *note.changed.first]
        lines += [f"  {one_line(place)}" for place in first]
    lines += ["", f"{one_line(made.path)}   {made.rows:,} of {made.rows_before:,} rows"]
    if made.eval_path is not None:
        lines.append(f"{one_line(made.eval_path)}   {made.eval_rows:,} rows for evaluation")
    return [*lines, f"{one_line(made.record)}   how it was made"]
