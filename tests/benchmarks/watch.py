"""The rules of the guard on real curves: what they find, what they raise by mistake, what they cost."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import msgspec

from engine.watch.curve import points_of
from engine.watch.plateau import Plateau
from engine.watch.point import Point, Sign
from engine.watch.watch import signs_of

TITLE: Final = "Watching a curve (bar: false alarms on at most 3 % of healthy curves)"
_CURVES: Final = Path(__file__).resolve().parents[2].parent / "shared" / "curves"
_FAILING: Final = ("diverged", "nan", "not learning", "overfit")


class Case(msgspec.Struct, frozen=True):
    """A curve that someone published, with its label and what the rules say to it."""

    name: str
    label: str
    points: list[Point]
    signs: list[Sign]

    @property
    def healthy(self) -> bool:
        """True where nothing was wrong with the run."""
        return self.label.startswith("healthy")

    @property
    def failing(self) -> bool:
        """True where something was; the rest is too short or too odd to judge."""
        return self.label.startswith(_FAILING)

    @property
    def alarms(self) -> list[Sign]:
        """What a person would be told of; notes only mark a place on the curve."""
        return [sign for sign in self.signs if sign.severity != "note"]


def cases() -> list[Case]:
    """All curves beside the repository; none where the folder is absent."""
    if not _CURVES.is_dir():
        return []
    found = []
    for entry in json.loads((_CURVES / "labels.json").read_text()):
        points = list(points_of(_CURVES / f"{entry['name']}.csv"))
        found.append(Case(entry["name"], entry["label"], points, [*signs_of(points), *_still(points)]))
    return found


def _still(points: list[Point]) -> list[Sign]:
    """What the rule for plateaus says, which has to know rates and planned steps: twice these."""
    rule = Plateau(steps=2 * max((point.step for point in points), default=0))
    said = [rule.see(msgspec.structs.replace(point, lr=point.lr or 1e-4)) for point in points]
    return [sign for sign in said if sign is not None]


def measure() -> bool:
    """A line for each curve that is not healthy or that raised something, then the rates."""
    known = cases()
    print("| curve | label | points | said | at step |\n|---|---|---:|---|---:|")
    for case in sorted(known, key=lambda case: case.label):
        if case.signs or not case.healthy:
            said = ", ".join(f"{sign.mechanism} ({sign.severity})" for sign in case.signs) or "nothing"
            steps = ", ".join(f"{sign.step:,}" for sign in case.signs)
            print(f"| {case.name} | {case.label} | {len(case.points):,} | {said} | {steps} |")
    healthy, failing = [c for c in known if c.healthy], [c for c in known if c.failing]
    false, seen = sum(bool(c.alarms) for c in healthy), sum(bool(c.alarms) for c in failing)
    began = time.perf_counter()
    for case in known:
        signs_of(case.points)
    cost = (time.perf_counter() - began) / max(sum(len(case.points) for case in known), 1)
    print(
        f"\nfalse alarms: {false} of {len(healthy)} healthy curves; found: {seen} of {len(failing)} failing"
    )
    print(f"cost: {cost * 1e6:.0f} µs a step")
    return false <= 0.03 * max(len(healthy), 1)
