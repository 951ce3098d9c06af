"""SIGKILL of front end, engine and worker at random places: what is resumed, and whether it is the same."""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.run_dir import RunDir
from tests.engine.process import killing
from tests.engine.process.killing import PLACES, Missed, Verdict, attempt

TITLE: Final = "Kills (bar: resumed to the same adapter, no event lost, the index equal to its rebuild)"
_TRIES: Final = 10
"""Times that a kill is tried again whose moment had passed."""
_CHECKS: Final = ("resumed", "adapter", "events", "store", "clean")


def measure(*words: str) -> bool:
    """Kill as often as `words` say, print the table, and say whether all was well."""
    parser = argparse.ArgumentParser(prog="kills", description=__doc__)
    parser.add_argument("-n", type=int, default=len(_cells()), metavar="COUNT", help="kills [one a place]")
    parser.add_argument("-j", type=int, default=1, metavar="JOBS", help="how many at a time [1]")
    parser.add_argument("--seed", default=str(int(time.time())), help="of a campaign to repeat")
    asked = parser.parse_args(words)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        verdicts = list(_verdicts(Path(folder), asked.n, asked.seed, asked.j))
    print(table(verdicts))
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(verdicts)} kills, seed {asked.seed}, {minutes:.0f} min; {len(wrong)} did not hold.")
    for verdict in wrong:
        print(f"\n{verdict.victim}, {verdict.place}, seed {verdict.seed}:")
        print("\n".join(f"  {text[:2000]}" for text in verdict.wrong))
    return not wrong


def table(verdicts: list[Verdict]) -> str:
    """How it ended by victim and place, as Markdown."""
    lines = [
        "| killed | where | kills | resumed | same adapter | events whole | index = rebuild | nothing left |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for victim, place in _cells():
        here = [v for v in verdicts if (v.victim, v.place) == (victim, place)]
        held = [sum(not getattr(v, check) for v in here) for check in _CHECKS]
        if here:
            lines.append(f"| {victim} | {place} | {len(here)} | {' | '.join(map(str, held))} |")
    return "\n".join(lines)


def _cells() -> list[tuple[str, str]]:
    return [(victim, place) for victim, places in PLACES.items() for place in places]


def _verdicts(folder: Path, count: int, seed: str, jobs: int) -> Iterator[Verdict]:
    os.environ["OMP_NUM_THREADS"] = "1"
    model = folder / "model"
    script = Path(killing.__file__).with_name("tiny_model.py")
    subprocess.run([sys.executable, str(script), str(model)], check=True, timeout=300)
    recipe = killing.prepare(folder, model)
    unbroken = killing.never_killed(folder / "unbroken", recipe)
    plans = zip(range(count), itertools.cycle(_cells()), strict=False)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: list[Future[Verdict]] = [
            pool.submit(_one, victim, place, f"{seed}-{number}", folder, recipe, unbroken)
            for number, (victim, place) in plans
        ]
        for done, future in enumerate(waiting, 1):
            verdict = future.result()
            word = "; ".join(verdict.wrong)[:300] or "held"
            print(f"{done}/{count} {verdict.victim}, {verdict.place}: {word}", file=sys.stderr, flush=True)
            yield verdict


def _one(victim: str, place: str, seed: str, folder: Path, recipe: Path, unbroken: RunDir) -> Verdict:
    for again in range(_TRIES):
        root = folder / f"{seed}-{again}"
        (root / "runs").mkdir(parents=True)
        try:
            return attempt(victim, place, f"{seed}-{again}", root, recipe, unbroken)
        except Missed:
            continue
    return Verdict(victim=victim, place=place, seed=seed, resumed=["the moment was missed each time"])


if __name__ == "__main__":
    sys.exit(0 if measure(*sys.argv[1:]) else 1)
