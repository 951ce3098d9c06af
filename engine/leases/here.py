"""The devices of a job that this process starts by itself, beside any engine."""

from __future__ import annotations

import os

import msgspec

from engine.leases.asked import asked
from engine.leases.cards import Lease, offered
from engine.leases.locks import Locks
from engine.leases.standing import Standing, Waits
from engine.problem import WORK_FAILED, Problem
from engine.recipe.recipe import Recipe
from engine.telemetry.gpu import gpus


def lease_here(recipe: Recipe, locks: Locks) -> Lease:
    """What the recipe asks for, held by `locks` as long as this process lives.

    What programs other than OpenLoRA hold of a card is not looked at: nothing here could wait for them.

    Raises:
        Problem: it is not there, or another OpenLoRA has it.
    """
    wanted = asked(recipe.devices)
    cards = [msgspec.structs.replace(card, used=0) for card in offered(wanted, os.environ, gpus())]
    got = Standing(locks).grant(wanted, cards, None, "this run")
    if isinstance(got, Waits):
        raise Problem(
            "The devices are not free.",
            where="devices",
            why=f"The run {got.reason}.",
            do="Leave out --foreground: the run then waits in the queue.",
            exit_status=WORK_FAILED,
        )
    return got
