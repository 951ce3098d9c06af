"""`openlora runs compare A B`: two curves at the same places, and what their recipes differ in."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine import paths
from engine.problem import WORK_FAILED, Problem
from engine.recipe import read
from engine.recipe.edit import written
from engine.recipe.resuming import changes, values
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.series import Series
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.printer import number
from openlora_tui.cli.session import Session
from openlora_tui.widgets.plot import smoothed

_PLACES: Final = 8


class Point(msgspec.Struct, kw_only=True):
    """What both runs had come to."""

    at: str
    steps: list[int]
    loss: list[float | None]
    eval_loss: list[float | None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("other", metavar="OTHER", help="the run to compare with")
    words = "lay them over each other by step, or by share of the run [step]"
    parser.add_argument("--by", choices=("step", "share"), default="step", help=words)


def compare(args: argparse.Namespace) -> int:
    """Say where both stood at the same steps, or at the same shares of their whole."""
    with Session(paths.home()) as session:
        names = [session.named(args.run), session.named(args.other)]
        states = [session.state(name) for name in names]
        root = Path(session.welcome.home)
    for state in states:
        if state.loss.empty:
            raise Problem(f"Run {state.run} has no curve yet.", do="Wait for its first steps.",
                          exit_status=WORK_FAILED)  # fmt: skip
    points = _points(states, by_share=args.by == "share")
    differs = _recipes(root, names)
    if args.json:
        print_document({"runs": names, "by": args.by, "points": points, "recipe": differs})
        return 0
    heads = [one_line(f"{state.run} {state.name}", 18) for state in states]
    print(f"{'at':>10}  {heads[0]:>18}  {heads[1]:>18}  {'eval':>8}  {'eval':>8}")
    for point in points:
        loss, held_out = ([_shown(value) for value in each] for each in (point.loss, point.eval_loss))
        print(f"{point.at:>10}  {loss[0]:>18}  {loss[1]:>18}  {held_out[0]:>8}  {held_out[1]:>8}")
    for name, (one, two) in differs.items():
        print(f"{name}: {one} and {two}")
    if not differs:
        print("their recipes are the same")
    return 0


def _points(states: Sequence[RunState], *, by_share: bool) -> list[Point]:
    wholes = [max(state.steps, state.loss.latest_x, 1) for state in states]
    common = min(state.loss.latest_x for state in states)
    found: list[Point] = []
    for place in range(1, _PLACES + 1):
        if by_share:
            steps = [round(whole * place / _PLACES) for whole in wholes]
        else:
            steps = [max(round(common * place / _PLACES), 1)] * 2
        ends = [step <= state.loss.latest_x for step, state in zip(steps, states, strict=True)]
        if found and found[-1].steps == steps:
            continue
        found.append(
            Point(
                at=f"{place / _PLACES:.1%}" if by_share else f"{steps[0]:,}",
                steps=steps,
                loss=[
                    _before(state.loss, step) if there else None
                    for state, step, there in zip(states, steps, ends, strict=True)
                ],
                eval_loss=[
                    _last(state.eval_loss, step) if there else None
                    for state, step, there in zip(states, steps, ends, strict=True)
                ],
            )
        )
    return found


def _before(series: Series, step: int) -> float | None:
    """The curve's mean around the last point up to `step`, as the chart draws it."""
    known = [value for x, value in smoothed(series.points()) if x <= step]
    return known[-1] if known else None


def _last(series: Series, step: int) -> float | None:
    known = [last for x, _, _, last in series.points() if x <= step]
    return known[-1] if known else None


def _recipes(root: Path, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    one, two = (read(RunDir(root, name).recipe).recipe for name in names)
    return {change.field.name: (_said(change.old), _said(change.new)) for change in changes(values(one), two)}


def _said(value: object) -> str:
    return one_line(written(value), 80)


def _shown(value: float | None) -> str:
    return "" if value is None else number(value)
