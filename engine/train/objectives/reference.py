"""What the policy before the first step held of every answer: measured once, and kept beside the run.

It is the model as the run begins with it: the base, or where the recipe starts from an adapter, the base with
that. Measured beforehand it costs no second model in memory, and a resume reads it back to the bit.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine import atomic
from engine import events as ev
from engine.data.dataset import Dataset
from engine.data.refusal import Refusal
from engine.recipe.recipe import Recipe
from engine.room import Need
from engine.train.batches.collate import Collator
from engine.train.batches.cut import share
from engine.train.listening import LeftEarly
from engine.train.looking.evaluate import at_rest
from engine.train.memory.exhausted import out_of_memory
from engine.train.methods import adapter
from engine.train.objectives.preference import sides_of
from engine.train.saving.save import with_room
from engine.train.session import Session

NAME: Final = "reference.safetensors"
_SILENT: Final = frozenset({"lora", "adalora", "vera", "ia3"})
"""Methods whose fresh adapters change nothing: what some begin with of the weights is taken off again."""
_TICK_SECONDS: Final = 0.25
_SAVE_SECONDS: Final = 60.0
"""Seconds of measuring that a kill may cost."""

Known = dict[str, torch.Tensor]
"""(rows of the store, 2) log-probabilities in nats by part of the data; NaN where one is not measured yet."""


def take_reference(session: Session, initial: dict[str, str]) -> None:
    """Give the collators the log-probabilities under the policy before training, if the objective compares.

    Args:
        session: before it takes up a checkpoint.
        initial: fingerprint of the adapter before the first step.

    Raises:
        Refusal: they are gone, and so is the adapter that they were measured with.
        LeftEarly: a stop was asked for meanwhile; what was measured is kept.
    """
    if not session.objective.compares:
        return
    parts = {"train": (session.data.train, session.collator)}
    if session.data.eval is not None and session.held_out is not None:
        parts["eval"] = (session.data.eval, session.held_out)
    path = session.job.folder / NAME
    key = _key(session, initial)
    nothing = {name: torch.full((len(data.rows), 2), torch.nan) for name, (data, _) in parts.items()}
    known = nothing | (_read(path, key) or {})
    missing = any(_missing(data, known[name]) for name, (data, _) in parts.items())
    if session.machine.any(mine=missing):
        known = known if session.machine.world == 1 else nothing  # ranks may have read different files
        _prove_initial(session, initial)
        session.journal.phase("reference", "what the model holds of both answers before it learns")
        _Measuring(session, parts, known, path, key).all()
    for name, (_, collator) in parts.items():
        collator.reference = known[name]


class _Measuring:
    """Measures the pairs that are not known yet."""

    def __init__(
        self,
        session: Session,
        parts: dict[str, tuple[Dataset, Collator]],
        known: Known,
        path: Path,
        key: str,
    ) -> None:
        self._session, self._parts, self._known, self._path, self._key = session, parts, known, path, key
        self._total = sum(len(_missing(data, known[name])) for name, (data, _) in parts.items())
        self._done = 0
        self._told = self._saved = time.monotonic()
        self._budget = session.budget

    def all(self) -> None:
        """Every pair of every part, shared by the ranks; then the file."""
        machine = self._session.machine
        for name, (data, collator) in self._parts.items():
            found, rows = self._known[name], _missing(data, self._known[name])
            mine = share(rows, data.length, machine.rank, machine.world)
            while mine:
                mine = self._as_far_as_memory(data, collator, mine, found)
            if machine.world > 1:
                whole = machine.total(found.nan_to_num(0.0).to(machine.device)).cpu()
                measured = [data.index[row] for row in rows]
                found[measured] = whole[measured]
        self._write()

    def _as_far_as_memory(
        self, data: Dataset, collator: Collator, rows: list[int], found: torch.Tensor
    ) -> list[int]:
        """Measure `rows` until memory runs out; those that are left, for smaller micro-batches."""
        session = self._session
        pieces = collator.cut(rows, self._budget)
        for at, piece in enumerate(pieces):
            self._look()
            try:
                with at_rest(session.student.peft), session.machine.autocast():
                    sides = sides_of(session.student.peft, session.student.labelled, collator.micro(piece))
            except (RuntimeError, MemoryError) as error:
                if len(piece) == 1 or not out_of_memory(error):
                    raise
                self._budget = max(self._budget // 2, 1)
                return [row for left in pieces[at:] for row in left]
            found[[data.index[row] for row in piece]] = torch.stack(sides[:2], dim=1).float().cpu()
            self._done += len(piece) * session.machine.world
        return []

    def _look(self) -> None:
        """Tell how far it is, keep what there is, and leave where someone asks for it."""
        session, now = self._session, time.monotonic()
        if now - self._told > _TICK_SECONDS:
            self._told = now
            done = min(self._done, self._total)
            session.journal(ev.Progress(done=done, total=self._total, unit="pairs"))
        if session.machine.world > 1:
            return
        session.listener.listen()
        leaving = session.listener.leaving is not None
        if leaving or now - self._saved > _SAVE_SECONDS:
            self._saved = now
            self._write()
        if leaving:
            raise LeftEarly

    def _write(self) -> None:
        session = self._session
        written = save(self._known, metadata={"key": self._key})
        need = Need(what="the reference log-probabilities", bytes=len(written), folder=session.job.folder)

        def write() -> int:
            if session.machine.rank == 0:
                atomic.write(self._path, written)
            return len(written)

        with_room(session, need, write)


def _missing(data: Dataset, found: torch.Tensor) -> list[int]:
    """A row of `data` for each row of the store that it draws and that is not measured."""
    rows = {stored: row for row, stored in enumerate(data.index)}
    unknown = found[:, 0].isnan().tolist()
    return [row for stored, row in rows.items() if unknown[stored]]


def _read(path: Path, key: str) -> Known | None:
    """What was measured of these rows with this policy; None where there is nothing of the kind."""
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("key") != key:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None


def _key(session: Session, initial: dict[str, str]) -> str:
    """A digest of all that the figures depend on."""
    data = [part.digest() if part is not None else "" for part in (session.data.train, session.data.eval)]
    said: Iterable[object] = (data, initial, session.job.recipe.model, session.job.revision)
    return hashlib.blake2b(msgspec.json.encode(list(said)), digest_size=16).hexdigest()


def _prove_initial(session: Session, initial: dict[str, str]) -> None:
    """Put the policy that the run began with into the model, which a resumed run may not hold."""
    student, recipe = session.student.peft, session.job.recipe
    if adapter.fingerprint(adapter.tensors(student)) == initial:
        return
    if recipe.adapter is None or recipe.merge_adapter:
        if not _began_as_its_base(recipe):
            raise _gone(session, f"They are those of an adapter that began by {_start_of(recipe)}.")
        return
    with suppress(OSError, Refusal):  # what is in the model tells
        adapter.read_into(student, Path(recipe.adapter))
    if adapter.fingerprint(adapter.tensors(student)) != initial:
        raise _gone(session, "They are those of the adapter that it began with, which is not what it was.")


def _began_as_its_base(recipe: Recipe) -> bool:
    """True where a fresh adapter says nothing, whatever it holds: then and now the model is the base."""
    return recipe.method in _SILENT and recipe.init_lora_weights != "loftq"


def _start_of(recipe: Recipe) -> str:
    return recipe.init_lora_weights if recipe.method == "lora" else f"{recipe.method} tuning"


def _gone(session: Session, why: str) -> Refusal:
    return Refusal(
        "checkpoint_resume",
        "The run's reference log-probabilities are gone, and cannot be measured again.",
        where=str(session.job.folder / NAME),
        why=why,
        do="Put the file back, or start a new run.",
    )
