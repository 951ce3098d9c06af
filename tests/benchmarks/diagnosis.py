"""Real failures by category: what the rules say first, from the log alone and with the configuration."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.advisor.read.gather import case_of_text
from engine.findings import Finding
from engine.watch.curve import points_of

TITLE: Final = "Diagnosis (bars: right first in 90 % of machine text, 75 % of descriptions; 3 % false alarms)"
_SHARED: Final = Path(__file__).resolve().parents[2].parent / "shared"
_KINDS: Final = {"error_text": 0.9, "metrics_or_values": 0.9, "paraphrased_symptom": 0.75}
_ALARMS: Final = 0.03
_BINS: Final = 5


class Real(NamedTuple):
    """A failure that someone told of in public; its cause and its remedy are not read."""

    kind: str
    right: list[str]
    log: str
    config: dict[str, Any]

    def first(self, *, configured: bool) -> Finding | None:
        """What the rules say first."""
        case = case_of_text(self.log, self.config if configured else None)
        return next(iter(diagnose(case)), None)

    def is_right(self, finding: Finding | None) -> bool:
        """Whether that is among the categories that count as right."""
        return finding is not None and finding.category in self.right


def cases() -> list[Real]:
    """All failures beside the repository; none where the folder is absent."""
    file = _SHARED / "failures" / "cases.jsonl"
    told = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    return [Real(t["log_kind"], [t["category"], *t["accept"]], t["symptom_log"], t["config"]) for t in told]


def alarms() -> tuple[list[str], int]:
    """The healthy curves that are warned of, and how many healthy ones there are."""
    labels = _SHARED / "curves" / "labels.json"
    known = json.loads(labels.read_text()) if labels.is_file() else []
    healthy = [entry["name"] for entry in known if entry["label"].startswith("healthy")]
    return [name for name in healthy if _warned(name)], len(healthy)


def _warned(name: str) -> bool:
    points = list(points_of(_SHARED / "curves" / f"{name}.csv"))
    return any(finding.severity != "note" for finding in diagnose(Case(points=points)))


def measure() -> bool:
    """Accuracy by category and by kind of log, how far confidence can be trusted, and the false alarms."""
    known = cases()
    if not known:
        print("needs the folder `shared` with real failures beside the repository")
        return True
    began = time.perf_counter()
    alone = [case.is_right(case.first(configured=False)) for case in known]
    firsts = [case.first(configured=True) for case in known]
    took = (time.perf_counter() - began) / (2 * len(known))
    beside = [case.is_right(finding) for case, finding in zip(known, firsts, strict=True)]
    _table("category", [case.right[0] for case in known], alone, beside)
    _table("kind of log", [case.kind for case in known], alone, beside)
    _trust(firsts, beside)
    false, healthy = alarms()
    print(f"\nfalse alarms: {len(false)} of {healthy} healthy curves {' '.join(false)}")
    print(f"cost: {took * 1e3:.1f} ms a case")
    held = all(
        _share([right for case, right in zip(known, beside, strict=True) if case.kind == kind]) >= bar
        for kind, bar in _KINDS.items()
    )
    return held and len(false) <= _ALARMS * max(healthy, 1)


def _table(name: str, keys: list[str], alone: list[bool], beside: list[bool]) -> None:
    print(f"\n| {name} | cases | log alone | log and configuration |\n|---|---:|---:|---:|")
    count = Counter(keys)
    by_log = Counter(key for key, right in zip(keys, alone, strict=True) if right)
    by_both = Counter(key for key, right in zip(keys, beside, strict=True) if right)
    for key in sorted(count):
        print(f"| {key} | {count[key]} | {by_log[key]} | {by_both[key]} |")
    print(f"| all | {len(keys)} | {sum(alone)} | {sum(beside)} |")


def _trust(firsts: list[Finding | None], right: list[bool]) -> None:
    print("\n| confidence | cases | right |\n|---|---:|---:|")
    bins: dict[int, list[bool]] = {}
    for finding, hit in zip(firsts, right, strict=True):
        if finding is not None:
            bins.setdefault(min(int(finding.confidence * _BINS), _BINS - 1), []).append(hit)
    for at, hits in sorted(bins.items()):
        print(f"| {at / _BINS:.1f} to {(at + 1) / _BINS:.1f} | {len(hits)} | {sum(hits)} |")


def _share(hits: list[bool]) -> float:
    return sum(hits) / max(len(hits), 1)
