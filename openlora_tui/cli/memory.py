"""`openlora runs search|memory|forget|rules`: what all runs taught, found, carried elsewhere and dropped."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from engine import messages as m
from engine import paths
from engine.lessons import memory_file
from engine.lessons.dismissals import Standing, standing_in, take_in
from engine.lessons.lesson import Lesson
from engine.lessons.record import Record, records
from engine.lessons.search import matches, of_row, parsed
from engine.problem import WORK_FAILED, Problem
from engine.remarks import Labelled
from engine.run_dir import RunDir, host_name, is_run
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.printer import number
from openlora_tui.cli.session import Session, new_request
from openlora_tui.figures import age, rate

_AT_ONCE: Final = 200
"""Lessons in a message."""


def search_words(parser: argparse.ArgumentParser) -> None:
    """The words of `search`."""
    fields = "status, model, data, tag, note, found, eval, after, before and those of a recipe"
    words = f"text, field:value, field>1e-4, not:word; fields are {fields}"
    parser.add_argument("words", nargs="*", metavar="WORD", help=words)
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many [50]")


def forget_words(parser: argparse.ArgumentParser) -> None:
    """The words of `forget`."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="numbers, `laptop:12`, or `from:laptop` for all of it"
    )
    parser.add_argument("--undo", action="store_true", help="let runs that are still here count again")


def memory_words(parser: argparse.ArgumentParser) -> None:
    """The words of `memory`."""
    parser.add_argument(
        "way", choices=("export", "import"), help="write the memory to a file, or take one in"
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--as", dest="origin", metavar="NAME", help="what the home is called elsewhere")


def search(args: argparse.Namespace) -> int:
    """List the runs that fit, the newest first."""
    terms = parsed(args.words)
    with Session(paths.home()) as session:
        ended = session.lessons()
        known = {lesson.run for lesson in ended}
        live = [of_row(row) for row in session.rows() if row.run not in known]
    found = sorted((one for one in (*live, *ended) if matches(terms, one)), key=lambda one: -one.created)
    if args.json:
        print_document(
            {"runs": [_document(lesson) for lesson in found[: max(args.limit, 0)]], "total": len(found)}
        )
        return 0
    if found:
        print(f"{'run':>5}  {'status':<11} {'eval':>8}  {'rate':>8}  {'age':>7}  name")
    for lesson in found[: max(args.limit, 0)]:
        print(_row(lesson))
    more = f", the newest {args.limit:,} shown" if len(found) > args.limit else ""
    print(f"{len(found):,} run{'' if len(found) == 1 else 's'}{more}", file=sys.stderr)
    return 0


def _document(lesson: Lesson) -> dict[str, Any]:
    return {
        "run": lesson.run, "name": lesson.name, "status": lesson.status, "model": lesson.model.name,
        "data": lesson.data.files, "created": lesson.created, "steps": lesson.steps, "loss": lesson.loss,
        "eval_loss": lesson.eval_loss, "tags": lesson.tags, "note": lesson.note, "reason": lesson.reason,
        "found": [seen.category for seen in lesson.findings], "deleted": lesson.deleted,
        "imported": lesson.imported or None,
    }  # fmt: skip


def _row(lesson: Lesson) -> str:
    held_out = "" if lesson.eval_loss is None else number(lesson.eval_loss)
    made = age(time.time() - lesson.created) if lesson.created else ""
    peak = lesson.recipe.get("learning_rate")
    said = rate(peak) if isinstance(peak, float) else ""
    gone = ["deleted"] if lesson.deleted else []
    name = one_line(" ".join([lesson.name, *gone, *(f"#{tag}" for tag in lesson.tags)]), 60)
    return f"{lesson.run:>5}  {lesson.status:<11} {held_out:>8}  {said:>8}  {made:>7}  {name}"


def forget(args: argparse.Namespace) -> int:
    """Let runs count no more: nothing is advised from them."""
    with Session(paths.home()) as session:
        root = Path(session.welcome.home)
        gone: list[str] = []
        here: list[str] = []
        for word in args.runs:
            if is_run(word) and RunDir(root, word).path.is_dir():
                here.append(word)
            elif not args.undo:
                gone += _gone(session, word)
            else:
                raise Problem(
                    f"Run {one_line(word, 40)} is not here any more.", do="What is gone cannot come back."
                )
        for run in here:
            session.remark(run, Labelled(forgotten=not args.undo))
        if gone:
            session.ask(m.Forget(front=session.front, request=new_request(), runs=gone))
    names = [*here, *gone]
    if args.json:
        print_document({"runs": names, "forgotten": not args.undo})
    else:
        word = "counts again" if args.undo else "is forgotten: nothing is advised from it"
        print(f"run {', '.join(names)} {word}", file=sys.stderr)
    return 0


def _gone(session: Session, word: str) -> list[str]:
    """The deleted or imported runs that a word means."""
    lessons = [lesson for lesson in session.lessons() if lesson.deleted or lesson.imported]
    origin = word.removeprefix("from:") if word.startswith("from:") else None
    found = [
        one.run for one in lessons if (one.imported == origin if origin is not None else one.run == word)
    ]
    if not found:
        raise Problem(
            f"Nothing is remembered of run {one_line(word, 80)}.", do="`openlora runs search` lists runs."
        )
    return found


def memory(args: argparse.Namespace) -> int:
    """Write the memory to a file, or take one in."""
    return _export(args) if args.way == "export" else _import(args)


def _export(args: argparse.Namespace) -> int:
    with Session(paths.home()) as session:
        lessons = session.lessons()
        standing = standing_in(Path(session.welcome.home))
    origin = memory_file.origin_in(args.origin or host_name().partition(".")[0] or "elsewhere")
    target = Path(os.path.abspath(args.file))
    try:
        memory_file.export(target, lessons, standing, origin=origin, made=time.time())
    except OSError as error:
        raise Problem("The memory cannot be written.", where=str(target), why=f"{error.strerror}.",
                      do="Choose another file.", exit_status=WORK_FAILED) from error  # fmt: skip
    if args.json:
        print_document({"file": str(target), "lessons": len(lessons), "dismissals": len(standing)})
    else:
        print(
            f"{len(lessons):,} lessons are in {target}; it holds names of files, models and runs",
            file=sys.stderr,
        )
    return 0


def _import(args: argparse.Namespace) -> int:
    opened = memory_file.opened(args.file)
    origin = memory_file.origin_in(args.origin or opened.origin or "elsewhere")
    with Session(paths.home()) as session:
        new = memory_file.renamed(opened.lessons, origin, session.lessons())
        for begin in range(0, len(new), _AT_ONCE):
            part = new[begin : begin + _AT_ONCE]
            session.ask(m.Learn(front=session.front, request=new_request(), lessons=part))
        take_in(Path(session.welcome.home), opened.dismissals)
    known = len(opened.lessons) - len(new)
    if args.json:
        print_document({"origin": origin, "lessons": len(new), "known": known})
    else:
        also = f"; {known:,} were known already" if known else ""
        print(f"{len(new):,} lessons of {origin} were taken in{also}", file=sys.stderr)
    return 0


def rules(args: argparse.Namespace) -> int:
    """List what became of each rule's advice here."""
    with Session(paths.home()) as session:
        standing: list[Standing] = standing_in(Path(session.welcome.home))
        known = records(session.lessons(), standing)
    found = sorted(known.values(), key=lambda r: (-(r.applied + r.dismissed), -r.found, r.name))
    if args.json:
        print_document({"rules": found, "dismissals": standing})
        return 0
    if not found:
        print("no rule has found anything in a run that has ended", file=sys.stderr)
        return 0
    print(f"{'rule':<36} {'found':>6} {'applied':>8} {'helped':>7} {'harmed':>7} {'put aside':>10}")
    for one in found:
        print(_rule(one))
    return 0


def _rule(one: Record) -> str:
    quiet = "  quiet" if one.bad else ""
    figures = f"{one.found:>6,} {one.applied:>8,} {one.helped:>7,} {one.harmed:>7,} {one.dismissed:>10,}"
    return f"{one_line(one.name, 36):<36} {figures}{quiet}"
