"""Finds out whom a person wants to talk to: a run, a folder with a model or an adapter, or a hub's model."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from engine.chat.spoken import Spec
from engine.event_log import EventReader
from engine.json_file import read_object
from engine.problem import WORK_FAILED, Problem
from engine.run_state import RunState, fold

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_MIXED: Final = {"fp32": "no"}


def of_run(state: RunState) -> Spec:
    """The model and the adapter that a run has left.

    Raises:
        Problem: it has left none.
    """
    adapter = state.outcome.adapter if state.outcome is not None else None
    if not adapter:
        raise Problem(
            f"Run {state.run} has left no adapter to talk to.",
            why=f"It is {state.phase or state.status}." if not state.ended else f"It has {_ended(state)}.",
            do="Wait until it has finished; stopping it saves an adapter too."
            if not state.ended
            else f"`openlora runs resume {state.run}` goes on from its last checkpoint.",
            exit_status=WORK_FAILED,
        )
    precision = state.plan.precision if state.plan is not None else "auto"
    if Path(adapter, "config.json").is_file():  # all weights learnt: what was left is the model itself
        model, adapter = adapter, ""
    else:
        model = state.base if Path(state.base, "config.json").is_file() else state.model
    return Spec(
        model=model,
        adapter=adapter,
        name=state.name,
        run=state.run,
        form=state.plan.form if state.plan is not None else None,
        mixed_precision=_MIXED.get(precision, precision),
        prompts=list(dict.fromkeys(sample.prompt for sample in reversed(state.samples))),
    )


def of_name(word: str) -> Spec | None:
    """The model or adapter that `word` names, None where it may be a run's name.

    Raises:
        Problem: it is a path to something that cannot be talked to.
    """
    path = Path(os.path.expanduser(word))
    if path.suffix == ".gguf":
        raise Problem(
            "GGUF files cannot be talked to here.",
            where=word,
            why="They need llama.cpp; this chat runs transformers and peft.",
            do="Name the run, or a folder in Hugging Face's format.",
        )
    if os.path.isdir(path):
        return _of_folder(path.absolute())
    if word.startswith(("/", "./", "../", "~")):
        raise Problem(
            "There is no such folder.", where=word, do="Name a run, or a folder with a model or an adapter."
        )
    return Spec(model=word, name=word) if _HUB_ID.fullmatch(word) else None


def _of_folder(folder: Path) -> Spec | None:
    if (folder / "adapter_config.json").is_file():
        return _of_adapter(folder)
    if (folder / "config.json").is_file():
        return Spec(model=str(folder), name=folder.name)
    if (folder / "events.jsonl").is_file():
        return of_run(fold(EventReader(folder / "events.jsonl")))
    raise Problem(
        "The folder holds neither a model nor an adapter.",
        where=str(folder),
        why="It has no config.json and no adapter_config.json.",
        do="Name a folder in Hugging Face's format, or one that peft saved an adapter in.",
    )


def _of_adapter(folder: Path) -> Spec:
    """An adapter with its base; where it lies in its run's folder, as the run."""
    events = folder.parent / "events.jsonl"
    if events.is_file():
        state = fold(EventReader(events))
        if state.outcome is not None and state.outcome.adapter:
            return of_run(state)
    try:
        config = read_object(folder / "adapter_config.json")
    except (OSError, ValueError) as error:
        raise Problem(
            "The adapter's configuration cannot be read.",
            where=str(folder),
            why=f"{error}.",
            do="Get the adapter's files again.",
        ) from None
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise Problem(
            "The adapter does not say which model it belongs to.",
            where=str(folder / "adapter_config.json"),
            why="base_model_name_or_path is empty.",
            do="Write the base model's folder or hub id there.",
        )
    return Spec(model=base, adapter=str(folder), name=folder.name)


def _ended(state: RunState) -> str:
    return {"interrupted": "been interrupted", "stopped": "been stopped"}.get(state.status, state.status)
