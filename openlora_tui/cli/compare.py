"""`openlora runs compare A B C…`: what differs, what each came to, and the curves at the same places."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from engine import paths
from engine.lessons.compare import Comparison, compared
from engine.lessons.lesson import Lesson
from engine.problem import WORK_FAILED, Problem
from engine.run_state import RunState
from engine.series import Series
from openlora_tui import comparison_table
from openlora_tui.cli import past
from openlora_tui.cli.document import print_document
from openlora_tui.cli.session import Session
from openlora_tui.widgets.plot import smoothed

_PLACES: Final = 8


class Point(msgspec.Struct, kw_only=True):
    """What the runs had come to."""

    at: str
    steps: list[int]
    loss: list[float | None]
    eval_loss: list[float | None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="numbers, names, `last`, or `laptop:12`")
    words = "lay the curves over each other by step, or by share of the run [step]"
    parser.add_argument("--by", choices=("step", "share"), default="step", help=words)
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown, to paste into a report")


def compare(args: argparse.Namespace) -> int:
    """Lay runs side by side."""
    with Session(paths.home()) as session:
        found = past.named(session, args.runs)
    if len(found) < 2:
        raise Problem("One run cannot be compared.", do="Name two or more.")
    states = [one.state for one in found if one.state is not None and not one.state.loss.empty]
    if len(states) < 2 and len(found) == len([one for one in found if one.state is not None]):
        bare = next(one.lesson for one in found if one.state is None or one.state.loss.empty)
        raise Problem(f"Run {bare.run} has no curve yet.", do="Wait for its first steps.",
                      exit_status=WORK_FAILED)  # fmt: skip
    comparison = compared([one.lesson for one in found])
    points = points_of(states, by_share=args.by == "share") if len(states) == len(found) else []
    if args.json:
        print_document(_document(comparison, points, args.by))
        return 0
    table = comparison_table.markdown if args.markdown else comparison_table.plain
    curves = [[p.at, *p.loss, *p.eval_loss] for p in points]
    print("\n".join(table(comparison, curves)))
    return 0


def _document(comparison: Comparison, points: Sequence[Point], by: str) -> dict[str, Any]:
    return {
        "runs": [lesson.run for lesson in comparison.runs],
        "by": by,
        "points": points,
        "recipe": comparison.differs,
        "comparable": not comparison.apart,
        "apart": comparison.apart,
        "ranking": comparison.ranking,
        "verdict": comparison.verdict,
        "lessons": [_facts(lesson) for lesson in comparison.runs],
    }


def _facts(lesson: Lesson) -> dict[str, Any]:
    return {
        "run": lesson.run,
        "name": lesson.name,
        "tags": lesson.tags,
        "note": lesson.note,
        "status": lesson.status,
        "steps": lesson.steps,
        "loss": lesson.loss,
        "best_eval_loss": lesson.eval_loss,
        "eval_noise": lesson.eval_noise,
        "evaluation": lesson.evaluation,
        "seconds": lesson.seconds,
        "tokens_per_second": lesson.tokens_per_second,
        "peak_memory": lesson.peak_memory or None,
        "device": lesson.hardware,
    }


def points_of(states: Sequence[RunState], *, by_share: bool) -> list[Point]:
    """The curves at up to eight places: the same steps, or the same shares of each run."""
    wholes = [max(state.steps, state.loss.latest_x, 1) for state in states]
    common = min(state.loss.latest_x for state in states)
    found: list[Point] = []
    for place in range(1, _PLACES + 1):
        if by_share:
            steps = [round(whole * place / _PLACES) for whole in wholes]
        else:
            steps = [max(round(common * place / _PLACES), 1)] * len(states)
        if found and found[-1].steps == steps:
            continue
        at = f"{place / _PLACES:.1%}" if by_share else f"{steps[0]:,}"
        found.append(_point(at, steps, states))
    return found


def _point(at: str, steps: list[int], states: Sequence[RunState]) -> Point:
    there = [
        (step, state if step <= state.loss.latest_x else None)
        for step, state in zip(steps, states, strict=True)
    ]
    return Point(
        at=at,
        steps=steps,
        loss=[None if state is None else _before(state.loss, step) for step, state in there],
        eval_loss=[None if state is None else _last(state.eval_loss, step) for step, state in there],
    )


def _before(series: Series, step: int) -> float | None:
    """The curve's mean around the last point up to `step`, as the chart draws it."""
    known = [value for x, value in smoothed(series.points()) if x <= step]
    return known[-1] if known else None


def _last(series: Series, step: int) -> float | None:
    known = [last for x, _, _, last in series.points() if x <= step]
    return known[-1] if known else None
