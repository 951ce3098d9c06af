"""Sabotaged runs through the real engine: how many end by themselves with a sound adapter, or refused."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from safetensors.numpy import load_file

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine import bus, faults
from engine.event_log import EventReader
from engine.recipe import template
from engine.run_dir import RunDir, all_runs
from engine.run_state import RunState, fold
from tests.benchmarks import sabotage
from tests.benchmarks.sabotage import CASES, Sabotage, Values
from tests.engine.process import driving

TITLE: Final = (
    "Rescue (bar: 90 % of sabotaged runs end with a sound adapter or a right refusal, without a human)"
)
_BAR: Final = 0.9
_PATIENCE: Final = 900.0
_BETTER: Final = 0.98
"""Times the held-out loss before the first step: what a sound adapter comes below."""
_BASE: Final[Values] = {
    "data": "rows.jsonl", "max_length": 96, "max_steps": 60, "lora_r": 4, "learning_rate": 5e-3,
    "eval_split": 0.1,
    "per_device_train_batch_size": 8, "gradient_accumulation_steps": 2, "save_steps": 20, "eval_steps": 20,
    "sample_steps": 0, "devices": "cpu", "on_failure": "repair",
}  # fmt: skip


class Outcome(msgspec.Struct, kw_only=True):
    """What became of one case."""

    name: str
    ends: str
    runs: int = 0
    changed: list[str] = []
    """What was changed on the way, by the check at the start and by repairs."""
    ended: str = ""
    wrong: str = ""
    """Empty where it ended as it should."""
    seconds: float = 0.0


def measure(*words: str) -> bool:
    """Spoil runs, print the table, and say whether enough of them were rescued."""
    parser = argparse.ArgumentParser(prog="rescue", description=__doc__)
    parser.add_argument("-k", default="", metavar="WORD", help="only cases with this in their name")
    parser.add_argument("-j", type=int, default=1, metavar="JOBS", help="how many at a time [1]")
    asked = parser.parse_args(words)
    cases = [case for case in CASES if asked.k in case.name]
    with tempfile.TemporaryDirectory(prefix="rescue-") as folder:
        outcomes = list(_outcomes(Path(folder), cases, asked.j))
    print(table(outcomes))
    held = [one for one in outcomes if not one.wrong]
    share = len(held) / max(len(outcomes), 1)
    minutes = sum(one.seconds for one in outcomes) / 60
    print(f"\n{len(held)} of {len(outcomes)} ({share:.0%}) ended as they should; {minutes:.0f} min of runs.")
    for one in outcomes:
        if one.wrong:
            print(f"\n{one.name}: {one.wrong}")
    return share >= _BAR


def table(outcomes: list[Outcome]) -> str:
    """Case by case, as Markdown."""
    lines = ["| sabotage | runs | what was changed | ended with | as it should |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_row, outcomes)])


def _row(one: Outcome) -> str:
    changed = "; ".join(one.changed) or "nothing"
    return f"| {one.name} | {one.runs} | {changed} | {one.ended} | {'no' if one.wrong else 'yes'} |"


def _outcomes(folder: Path, cases: list[Sabotage], jobs: int) -> Iterator[Outcome]:
    model = folder / "model"
    script = Path(driving.__file__).with_name("tiny_model.py")
    subprocess.run([sys.executable, str(script), str(model)], check=True, timeout=300, capture_output=True)
    with ThreadPoolExecutor(jobs) as pool:
        for done, one in enumerate(pool.map(lambda case: _tried(folder, model, case), cases), 1):
            print(f"{done}/{len(cases)} {_row(one)} {one.wrong[:300]}", file=sys.stderr, flush=True)
            yield one


def _tried(root: Path, model: Path, case: Sabotage) -> Outcome:
    folder = root / case.name.replace(" ", "-").replace(":", "").replace(",", "")
    home = folder / "home"
    (home / "runs").mkdir(parents=True)
    home.chmod(0o700)
    sabotage.copy_model(model, folder)
    sabotage.write(folder, sabotage.rows())
    values = {"model": str(folder / "model"), **_BASE}
    case.spoil(folder, values)
    recipe = folder / "recipe.yaml"
    recipe.write_text(template(values))
    environment = os.environ | {
        "OPENLORA_HOME": str(home),
        faults.VARIABLE: case.fault,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(recipe), "--json"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(
            name=case.name, ends=case.ends, ended="nothing", wrong=f"no end within {_PATIENCE:.0f} s"
        )
    finally:
        _end(home)
    outcome = Outcome(name=case.name, ends=case.ends, seconds=time.monotonic() - began)
    states = [fold(EventReader(RunDir(home, run).events)) for run in all_runs(home)]
    _judge(outcome, case, done, states)
    return outcome


def _judge(
    outcome: Outcome, case: Sabotage, done: subprocess.CompletedProcess[str], states: list[RunState]
) -> None:
    mended = [line.removeprefix("mended: ").rpartition(" (")[0] for line in done.stderr.splitlines()
              if line.startswith("mended: ")]  # fmt: skip
    outcome.runs = len(states)
    outcome.changed = [*mended, *(tried.patch.label for state in states for tried in state.remarks.tried)]
    last = _last(done.stdout)
    if "Traceback" in done.stderr:
        outcome.wrong = f"a traceback: {done.stderr[-600:]}"
    elif last.get("event") == "finished":
        outcome.ended = "an adapter"
        outcome.wrong = _unsound(last, states) if case.ends == "adapter" else "it should have been refused"
    else:
        outcome.ended = "a refusal"
        outcome.wrong = _unfit(case, done, last)


def _unsound(last: dict[str, Any], states: list[RunState]) -> str:
    """What is wrong with the adapter that a run left; empty where it holds finite numbers that help."""
    state = states[-1]
    weights = load_file(Path(last["adapter"]) / "adapter_model.safetensors")
    if not all(np.isfinite(tensor).all() for tensor in weights.values()):
        return "the adapter holds numbers that are not finite"
    if not any(np.abs(tensor).max() > 0 for name, tensor in weights.items() if "lora_B" in name):
        return "the adapter has learnt nothing"
    first = next(one for one in (_first(state), *map(_first, states)) if one is not None)
    if state.best_eval is None or state.best_eval > _BETTER * first:
        return f"held-out loss {state.best_eval} after {first}"
    cut = [one.title for one in state.findings if one.category == "truncation" and one.severity != "note"]
    return f"the answers it learnt are cut: {cut[0]}" if cut else ""


def _first(state: RunState) -> float | None:
    """The loss on held-out rows before the first step; None for a run that went on from a checkpoint."""
    points = state.eval_loss.points()
    return points[0][3] if points and points[0][0] == 0 else None


def _unfit(case: Sabotage, done: subprocess.CompletedProcess[str], last: dict[str, Any]) -> str:
    if case.ends != "refusal":
        return f"status {done.returncode}: {done.stderr[-900:]}"
    error = last.get("error", last)
    said = " ".join(str(error.get(name, "")) for name in ("what", "where", "why", "do"))
    if done.returncode not in (1, 2) or not error.get("what"):
        return f"status {done.returncode} without a reason: {done.stderr[-600:]}"
    return "" if any(word in said for word in case.says) else f"it says: {said}"


def _last(stdout: str) -> dict[str, Any]:
    """The last object that was printed; a note on what follows a failure is none of the run's."""
    found = [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]
    ends = [one for one in found if one.get("event") in ("finished", "failed") or "error" in one]
    return ends[-1] if ends else {}


def _end(home: Path) -> None:
    """End the engine of a case, and what it has started."""
    pids = [bus.engine_pid(home), *(record.pid for run in all_runs(home)
            if (record := RunDir(home, run).worker()) is not None and record.alive)]  # fmt: skip
    for pid in filter(None, pids):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    sys.exit(0 if measure(*sys.argv[1:]) else 1)
