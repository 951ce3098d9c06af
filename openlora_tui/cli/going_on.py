"""`openlora runs resume RUN --epochs N`: more epochs for a run, and what the rate does in them."""

from __future__ import annotations

import argparse
import sys

from engine.problem import Problem
from engine.recipe import read
from engine.recipe.going_on import SCHEDULES, Outlook, Schedule, outlook, total_epochs
from engine.run_dir import RunDir
from engine.run_state import RunState


def add_going_on(parser: argparse.ArgumentParser) -> None:
    """The words of it."""
    parser.add_argument("--epochs", metavar="N", help="train on, a finished run too: 5 in all, or +2 more")
    parser.add_argument(
        "--schedule",
        choices=SCHEDULES,
        help="the rate from there on: its old course made longer, warmed up again, or constant",
    )


def going_on(state: RunState, directory: RunDir, args: argparse.Namespace) -> dict[str, str]:
    """The recipe fields that `--epochs` and `--schedule` come to; without a schedule a person is asked.

    Raises:
        Problem: what was typed is no number of epochs, or not more than were done.
    """
    if args.epochs is None and args.schedule is None:
        return {}
    recipe = read(directory.recipe).recipe
    word = args.epochs or f"{recipe.num_train_epochs:g}"
    epochs = total_epochs(word, state.epoch)
    choices = [outlook(state, recipe, epochs, schedule) for schedule in SCHEDULES]
    if args.schedule is None and not args.json and sys.stdin.isatty() and sys.stderr.isatty():
        chosen = _asked(choices)
    else:
        chosen = args.schedule or "extend"
    [taken] = [choice for choice in choices if choice.schedule == chosen]
    print(f"{epochs:.4g} epochs, {taken.steps:,} steps in all; the rate: {taken}", file=sys.stderr)
    return taken.settings


def _asked(choices: list[Outlook]) -> Schedule:
    """Which one a person wants; enter takes the first."""
    for number, choice in enumerate(choices, 1):
        print(f"  {number} {choice.schedule:<9} {choice}", file=sys.stderr)
    print("The rate in the new steps [1]: ", end="", file=sys.stderr, flush=True)
    word = sys.stdin.readline().strip() or "1"
    for number, choice in enumerate(choices, 1):
        if word in (str(number), choice.schedule):
            return choice.schedule
    names = ", ".join(choice.schedule for choice in choices)
    raise Problem(f"{word!r} is none of them.", do=f"Say one of {names}.")
