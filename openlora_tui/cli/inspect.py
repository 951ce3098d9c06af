"""`openlora inspect`: what is in data files, and what would become of them in training."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.inspection.lengths import histogram
from engine.inspection.report import Report
from engine.inspection.talk import Shown
from engine.inspection.words import WORDS
from engine.problem import Problem
from engine.recipe.check import Mistake, value_of
from engine.recipe.fields import field_named
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli import mapping, perplexity
from openlora_tui.cli.asked import rules_asked
from openlora_tui.cli.document import print_document
from openlora_tui.cli.found import finding_lines, words
from openlora_tui.cli.mend import mend
from openlora_tui.cli.outlet import write_over
from openlora_tui.cli.row_lines import row_lines

if TYPE_CHECKING:
    from engine.data.inspect import Inspection
    from engine.sources.resolve import Sources

HELP: Final = "look at data: rows, shape, columns, token lengths, and what max_length would cut off"
_EVERY: Final = 0.5
_BARS: Final = 10
_BAR: Final = 40
_NAME: Final = 40


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add("data", nargs="+", help="files, globs, folders, hub datasets, or '{path: owner/name, split: test}'")
    add(
        "--model",
        default="",
        metavar="M",
        help="model folder or cached hub id, whose tokenizer counts",
    )
    add("--max-length", type=int, default=1024, metavar="N", help="cut rows after N tokens [1024]")
    add("--data-format", default="auto", metavar="F", help="read the rows as this shape [auto]")
    mapping.arguments(parser)
    add("--chat-template", metavar="T", help="write turns by this template: a name, or a Jinja file")
    add(
        "--eval",
        dest="eval_files",
        nargs="+",
        default=[],
        metavar="DATA",
        help="evaluation data: which of its rows are in the data?",
    )
    add(
        "--perplexity",
        action="store_true",
        help="measure how much the answers surprise the base model, and name those that stand out",
    )
    add("--row", type=int, metavar="N", help="show row N (from 1) as the model sees it, too")
    add(
        "--apply",
        action="append",
        default=[],
        metavar="WORD",
        help="write a new dataset with this done to the rows; several are done in order: "
        + "; ".join(f"{word.usage}: {word.help}" for word in WORDS),
    )
    add("-o", "--output", type=Path, metavar="NEW", help="the new dataset, a .jsonl; the source stays")
    add("--force", action="store_true", help="replace a new dataset that exists")
    add("--seed", type=int, default=42, metavar="N", help="decides what is drawn [42]")
    add(
        "--rejects",
        type=Path,
        metavar="FILE",
        help="write rows that training would refuse there, as JSON Lines",
    )
    add("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Look at everything and report."""
    if args.max_length < 1:
        raise Problem("A row needs at least one token.", where="--max-length", do="Give a number above 0.")
    args.data_format = _format(args.data_format)
    found = _found(args.data)
    args.data = [source.path for source in found.files]
    if args.propose:
        return mapping.propose(args.data, as_json=args.json)
    args.mapping = mapping.mapping_from(args.mapping)
    if args.apply or args.output is not None:
        return mend(args)
    inspection = _inspected(args, found)
    report = inspection.report()
    row = _row(inspection, args.row, args.max_length) if args.row is not None else None
    measured = perplexity.measured(args) if args.perplexity else None
    if args.json:
        document = report.document(args.max_length)
        if measured is not None:
            document["findings"] += measured.findings()
            document["perplexity"] = measured.document()
        print_document(document if row is None else document | {"row": row})
        return 0
    said = [*_lines(report), *(perplexity.lines(measured) if measured is not None else [])]
    for line in [*said, *(row_lines(row) if row is not None else [])]:
        print(line)
    return 0


def _format(word: str) -> str:
    field = field_named("data_format")
    assert field is not None
    try:
        return str(value_of(field, word))
    except Mistake as mistake:
        raise Problem(f"{mistake.why}.", where="--data-format", do=mistake.do) from mistake


def _found(words: list[str]) -> Sources:
    """The files that the words mean; where nothing is there, how to come by it."""
    from engine.sources.resolve import resolve

    return resolve(words)


def _inspected(args: argparse.Namespace, sources: Sources) -> Inspection:
    # Imported on use: `--help` needs no tokenizer.
    from engine.data.held import held_of
    from engine.data.inspect import Inspection
    from engine.data.named import tokenizer_of
    from engine.data.rejects import Kept
    from engine.sources.tell import tell

    tokenizer = tokenizer_of(args.model, rules_asked(args)) if args.model else None
    inspection = Inspection(
        args.data,
        tokenizer,
        model=args.model,
        max_length=args.max_length,
        data_format=args.data_format,
        held=held_of(args.eval_files, args.data_format, args.mapping),
        mapping=args.mapping,
    )
    tell(inspection.report(), sources)
    if tokenizer is None:
        inspection.report().without = "Token figures need a tokenizer: --model FOLDER or a hub id."
    with Kept(args.rejects) as kept:
        inspection.keep = kept.keep if args.rejects is not None else None
        _watched(inspection)
    problem = inspection.report().problem
    if problem is not None and not inspection.report().rows:
        raise Problem(problem["what"], where=problem["where"], why=problem["why"], do=problem["do"])
    return inspection


def _watched(inspection: Inspection) -> None:
    """Do all the work, with a line on a terminal that says how far it is."""
    live, shown = sys.stderr.isatty(), time.monotonic()
    for share in inspection.steps():
        now = time.monotonic()
        if live and now - shown > _EVERY:
            shown = now
            report = inspection.report()
            counted = f", {report.tokenised:,} tokenised" if report.counted else ""
            text = f"{figures.percent(share)}  {report.rows:,} rows{counted}"
            write_over(text)
    if live:
        write_over("")


def _row(inspection: Inspection, number: int, max_length: int) -> Shown:
    rows = inspection.report().rows
    if not 1 <= number <= rows:
        raise Problem(f"There is no row {number:,}.", where="--row", do=f"Rows go from 1 to {rows:,}.")
    return inspection.show(number - 1, max_length)


def _lines(report: Report) -> list[str]:
    lines = [line for file in report.files for line in [one_line(file.path)]]
    size = figures.size(sum(file.size for file in report.files))
    shape = report.format or "no shape fits"
    template = f" → {report.template}" if report.template else ""
    taken = report.rows - len(report.losses.empty) - report.refused
    made = f" → {report.examples:,} examples" if report.done and report.examples not in (taken, 0) else ""
    if (drawn := report.rows_per_epoch) != report.rows:
        made += f", about {drawn:,} drawn an epoch"
    lines += [f"  {report.rows:,} rows{made}   {shape}{template}   {size}", "", "columns"]
    width = max((len(one_line(name, _NAME)) for name in report.columns), default=0)
    for name, column in report.columns.items():
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in column.kinds.items())
        filled = figures.percent(column.share_filled(report.rows))
        lines.append(f"  {one_line(name, _NAME).ljust(width)}   {filled:>5} filled   {kinds}")
    empty, refused = len(report.losses.empty), report.refused
    near = f"{report.near_duplicates or 0:,} near duplicates"
    rows = f"{report.exact_duplicates:,} exact duplicates   {near}   {empty:,} without an answer"
    lines += ["", f"  {rows}   {refused:,} refused", ""]
    lines += _token_lines(report)
    findings = report.findings(report.max_length)
    lines += ["", *(finding_lines(findings, words(file.path for file in report.files)) if findings else [])]
    return [*lines, *([] if findings else ["nothing was noticed that needs you"])]


def _token_lines(report: Report) -> list[str]:
    if not report.counted:
        return [f"tokens\n  {report.without or 'Nothing here can be tokenised.'}"]
    lengths, most = report.lengths, report.max_length
    found = report.quantiles(most)
    figures_ = "   ".join(f"{name} {value:,}" for name, value in found.items())
    if lengths.streams and not lengths.rows and not lengths.documents:
        windows = sum(lengths.counts(most).values())
        return [f"tokens   total {lengths.total:,}: {windows:,} windows of {most:,}"]
    lines = [f"tokens   {figures_}   total {lengths.total:,}"]
    counts = histogram(lengths.counts(most), _BARS, max(found["p99"], 1))
    highest = max(counts.bars, default=0) or 1
    for number, rows in enumerate(counts.bars):
        last = number == len(counts.bars) - 1
        label = f"{number * counts.step + 1:,}–" + ("" if last else f"{(number + 1) * counts.step:,}")
        lines.append(f"  {label:>13} {'█' * round(rows / highest * _BAR):<{_BAR}} {rows:,}")
    return [
        *lines,
        f"  at max_length {most:,}: {lengths.truncated_rows(most):,} rows cut, "
        f"{lengths.truncated_answer_tokens(most):,} answer tokens lost, "
        f"{lengths.fully_masked_rows(most):,} rows with nothing left to learn",
    ]
