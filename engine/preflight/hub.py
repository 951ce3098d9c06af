"""A model that is not on this machine: whether it can come, and whether there is room for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.data.refusal import Refusal
from engine.findings import Finding
from engine.preflight.findings import refused
from engine.preflight.subject import Subject
from engine.text import amount

_OFFLINE: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_YES: Final = frozenset({"1", "on", "yes", "true"})


def look(subject: Subject, *, ask: bool) -> Iterator[Finding]:
    """Nothing where the model is here; the hub is asked only with `ask`, because that takes its time."""
    if subject.folder is not None:
        return
    if is_offline(subject.env):
        from engine.hub.problems import offline  # imported on use: the hub's library takes its time

        yield refused(offline(subject.recipe.model))
        return
    yield from _asked(subject) if ask else [_to_come(subject, "")]


def _asked(subject: Subject) -> Iterator[Finding]:
    from engine.hub.plan import check_room, plan

    recipe = subject.recipe
    try:
        wanted = plan(recipe.model, recipe.model_revision, code=recipe.trust_remote_code is not None)
        check_room(wanted)
    except Refusal as refusal:
        yield refused(refusal)
        return
    yield _to_come(subject, f", {amount(wanted.total - wanted.here)}")


def _to_come(subject: Subject, size: str) -> Finding:
    model = subject.recipe.model
    return Finding(
        category="hub_auth_or_gated",
        severity="note",
        title=f"The model is not on this machine: the run fetches it first{size}",
        evidence=[model],
        cause="Its layers, its context and its tokenizer can be checked only once it is here.",
        remedy=f"openlora pull {model}, then check again.",
    )


def is_offline(env: Mapping[str, str]) -> bool:
    """True where the variables forbid to fetch anything."""
    return any(env.get(name, "").lower() in _YES for name in _OFFLINE)
