"""`openlora train RECIPE --search`: tries rates, ranks and alphas for a few steps each, and tells who won."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from engine import atomic
from engine import events as ev
from engine.client.context import job_context
from engine.problem import WORK_FAILED, Problem
from engine.recipe import RecipeFile, absolute_text, override, parse
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.search import record as records
from engine.search.plan import BUDGET, TRIALS, candidates, refuse
from engine.search.record import Record, Trial
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.printer import number
from openlora_tui.cli.session import Session

_TRIAL: Final = {
    "lr_scheduler_type": "constant", "warmup_ratio": "0", "restart_step": "0", "eval_steps": "0",
    "save_steps": "0", "sample_steps": "0", "load_best_model_at_end": "false",
    "early_stopping_patience": "0", "output_dir": "null", "on_failure": "stop",
}  # fmt: skip
"""A constant rate, so that a trial that is made longer is the trial that was as long from the beginning."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    words = "do not train: try learning rates, ranks and alphas by successive halving"
    parser.add_argument("--search", action="store_true", help=words)
    parser.add_argument("--trials", type=int, default=TRIALS, metavar="N", help=f"candidates [{TRIALS}]")
    parser.add_argument("--budget", type=int, default=BUDGET, metavar="STEPS",
                        help=f"steps of all trials together [{BUDGET}]")  # fmt: skip


def search(recipe: RecipeFile, session: Session, args: argparse.Namespace) -> int:
    """Try, tell, and leave the winner as a recipe; said again after a stop, it goes on."""
    root = Path(session.welcome.home)
    record = _record(recipe, root, args)
    try:
        with records.driving(record, root):
            _drive(record, recipe, session)
    except KeyboardInterrupt:
        _say("stopped; the same words again go on from here")
        return INTERRUPTED
    return _told(record, recipe, root, args)


def _drive(record: Record, recipe: RecipeFile, session: Session) -> None:
    """Go through the rounds that are left."""
    root = Path(session.welcome.home)
    for at, (_, steps) in enumerate(record.rounds):
        entrants = record.entrants(at)
        _say(f"round {at + 1} of {len(record.rounds)}: {len(entrants)} for {steps} steps each")
        for trial in entrants:
            if len(trial.losses) <= at:
                _try(trial, steps, recipe, session, record)
                records.save(record, root)
            _say(_line(trial, at, steps))


def _record(recipe: RecipeFile, root: Path, args: argparse.Namespace) -> Record:
    """The unfinished search of the same words, or a new one."""
    refuse(recipe.recipe, args.trials, args.budget, str(recipe.path or "recipe"))
    tried = candidates(recipe.recipe, args.trials)
    key = records.key_of(absolute_text(recipe), tried, args.budget)
    known = records.found(root)
    for record in known:
        if record.key == key:
            _say(f"search {record.number} goes on")
            return record
    number = max((record.number for record in known), default=0) + 1
    record = Record(number=number, key=key, name=recipe.name, budget=args.budget,
                    trials=[Trial(candidate=each) for each in tried])  # fmt: skip
    records.save(record, root)
    return record


def _try(trial: Trial, steps: int, recipe: RecipeFile, session: Session, record: Record) -> None:
    """Bring a trial to `steps`, and note what it came to."""
    root = Path(session.welcome.home)
    if not trial.run or not RunDir(root, trial.run).path.is_dir():
        trial.run = _submitted(trial, steps, recipe, session, record)
        records.save(record, root)
    state = session.state(trial.run)
    if state.ended and state.step < steps and state.status != "failed":
        session.act(trial.run, "resume", job_context(), {"max_steps": str(steps)})
        state.outcome = None
    _follow(trial.run, state, session)
    loss = state.eval_loss.latest if state.status == "succeeded" else None
    if state.status in ("stopped", "interrupted"):
        raise KeyboardInterrupt
    if state.status == "succeeded" and loss is None:
        raise Problem(f"Run {trial.run} has held no rows out to measure on.",
                      do="Give it more rows, or name eval_data.", exit_status=WORK_FAILED)  # fmt: skip
    trial.losses.append(loss)
    trial.why = state.outcome.what if isinstance(state.outcome, ev.Failed) else ""


def _submitted(trial: Trial, steps: int, recipe: RecipeFile, session: Session, record: Record) -> str:
    at = record.trials.index(trial) + 1
    named = {"run_name": f"{one_line(recipe.name, 40)}-search{record.number}-{at}", "max_steps": str(steps)}
    return session.submit(override(recipe, {**_TRIAL, **named, **trial.candidate.settings}))


def _follow(run: str, state: RunState, session: Session) -> None:
    """Wait for its end; ctrl+c stops it after saving."""
    asked = False
    while not _over(state):
        try:
            for _ in session.follow(run, state):
                if _over(state):
                    break
        except KeyboardInterrupt:
            if asked:
                raise
            asked = True
            _say(f"stopping run {run} and saving; ctrl+c again leaves at once")
            session.act(run, "stop")


def _over(state: RunState) -> bool:
    return state.outcome is not None


def _line(trial: Trial, at: int, steps: int) -> str:
    loss = trial.losses[at]
    came = f"held-out loss {number(loss)}" if loss is not None else f"failed: {one_line(trial.why, 80)}"
    return f"  run {trial.run:>4}  {trial.candidate!s:<40} {steps:>5} steps  {came}"


def _told(record: Record, recipe: RecipeFile, root: Path, args: argparse.Namespace) -> int:
    """The table, why the winner won, and its recipe."""
    ranked = record.ranked()
    best = ranked[0]
    if not best.losses or best.losses[-1] is None:
        do = f"`openlora runs show {best.run}` has the whole of it."
        raise Problem("Every trial failed.", why=one_line(best.why, 300), do=do, exit_status=WORK_FAILED)
    path = records.recipe_of(record, root)
    chosen = override(parse(absolute_text(recipe)), best.candidate.settings)
    atomic.write(path, chosen.text.encode())
    if args.json:
        print_document({"search": record.number, "trials": ranked, "winner": best.candidate,
                        "why": record.why, "recipe": str(path)})  # fmt: skip
        return 0
    print(f"{'run':>5}  {'rate':>8}  {'rank':>5}  {'alpha':>6}  {'steps':>6}  held-out loss")
    for trial in ranked:
        one, steps = trial.candidate, record.rounds[max(len(trial.losses) - 1, 0)][1]
        last = trial.losses[-1] if trial.losses else None
        loss = number(last) if last is not None else "failed"
        values = f"{one.learning_rate:>8g}  {one.lora_r:>5}  {one.lora_alpha:>6g}"
        print(f"{trial.run:>5}  {values}  {steps:>6}  {loss}")
    print(record.why)
    _say(f"`openlora train {path}` trains it whole; its schedule is that of your recipe")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
