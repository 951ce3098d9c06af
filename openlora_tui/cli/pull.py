"""`openlora pull`: brings a model from the hub into the cache that training reads."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from engine.hub import cache
from engine.hub.names import is_hub_id, is_revision, split
from engine.problem import Problem
from engine.sources.entry import Entry
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.document import print_document
from openlora_tui.cli.main import INTERRUPTED
from openlora_tui.cli.outlet import write_over

if TYPE_CHECKING:
    from engine.hub.plan import Plan

HELP: Final = "fetch a model or a dataset from the hub, or go on with a fetch that was broken off"
_EVERY: Final = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "model", metavar="MODEL[@REVISION]", help="a hub id such as Qwen/Qwen2.5-0.5B; @ names a branch, "
        "tag or commit"
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="print progress on stdout, one JSON object a line"
    )
    parser.add_argument(
        "--code", action="store_true", help="its Python code too, to be read; nothing runs it"
    )
    parser.add_argument("--dataset", action="store_true", help="it is a dataset: fetch the files of a split")
    parser.add_argument("--name", metavar="NAME", help="the dataset's configuration, where it has several")
    parser.add_argument("--split", metavar="SPLIT", help="the dataset's split [train]")
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")


def run(args: argparse.Namespace) -> int:
    """Fetch the model, or tell what that would take."""
    model, revision = split(args.model)
    if not is_hub_id(model) or (revision is not None and not is_revision(revision)):
        is_folder = os.path.isdir(os.path.expanduser(model))
        do = "A folder needs no pull: name it in `model`." if is_folder else "Write it as owner/name@branch."
        raise Problem(f"`{one_line(args.model, 80)}` is no hub id.", do=do)
    teller = Teller(as_json=args.json)
    if args.dataset:
        _pull_dataset(args, model, revision, teller)
        return 0
    if args.name or args.split:
        raise Problem("Only a dataset has configurations and splits.", do="Add --dataset.")
    here = _without_network(model, revision)
    if here is not None:
        teller.offline(model, here)
        return 0
    from engine.hub.plan import check_room, plan

    wanted = plan(model, revision, code=args.code)
    teller.plan(wanted, last=args.dry_run)
    check_room(wanted)
    if not args.dry_run:
        teller.done(wanted, bring(wanted, teller))
    return 0


def _pull_dataset(args: argparse.Namespace, name: str, revision: str | None, teller: Teller) -> None:
    """Fetch the files of a dataset's split, or tell what that would take."""
    from huggingface_hub import constants

    from engine.hub.datasets import dataset_folder
    from engine.sources.resolve import PLACED, NotHere, resolve

    entry = Entry(path=name, name=args.name, split=args.split, revision=revision)
    if constants.HF_HUB_OFFLINE:
        try:
            resolve([entry], folder=PLACED)
        except NotHere:
            from engine.hub.problems import offline

            raise offline(name, "datasets") from None
        folder = dataset_folder(name, revision)
        assert folder is not None
        teller.kind, teller.next = "dataset", _looks(entry)
        teller.offline(name, folder)
        return
    from engine.hub.dataset_plan import dataset_plan
    from engine.hub.plan import check_room

    wanted = dataset_plan(entry)
    for line in wanted.said:
        teller.tell(line)
    teller.plan(wanted.plan, last=args.dry_run)
    check_room(wanted.plan)
    if not args.dry_run:
        entry = msgspec.structs.replace(wanted.entry, revision=revision)
        teller.kind, teller.next = "dataset", _looks(entry)
        teller.done(wanted.plan, bring(wanted.plan, teller))


def _looks(entry: Entry) -> str:
    return f"`openlora inspect {shlex.quote(str(entry))}` looks at them"


def _without_network(model: str, revision: str | None) -> Path | None:
    """The model's folder where it is here and the hub may not be asked whether there is a newer one."""
    from huggingface_hub import constants

    return cache.snapshot(model, revision) if constants.HF_HUB_OFFLINE else None


def bring(wanted: Plan, teller: Teller) -> Path:
    """Fetch what is wanted, told on the way; the folder that it lies in.

    Raises:
        Problem: it cannot be fetched, or ctrl+c broke it off; what has come is kept.
    """
    from engine.hub.fetch import fetch

    try:
        path = fetch(wanted, teller.moved, lambda: False)
    except KeyboardInterrupt:
        teller.end_line()
        raise Problem(
            f"Interrupted; {figures.share(wanted.here, wanted.total)} are here and kept.",
            do="The same command goes on from there.",
            exit_status=INTERRUPTED,
        ) from None
    teller.end_line()
    return path


class Teller:
    """Progress for people on stderr, the folder on stdout; with `as_json` objects on stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.kind = "model"
        self.next = ""
        """What to do with it, where that is not to begin a recipe."""
        self._tty = sys.stderr.isatty()
        self._next = 0.0
        self._open = False

    def plan(self, plan: Plan, *, last: bool) -> None:
        """What will be fetched; the `last` word of a dry run."""
        from engine.hub.plan import room

        facts = {
            plan.kind[:-1]: plan.model, "revision": plan.revision, "bytes": plan.total, "here": plan.here,
            "free": room(plan), "files": [{"name": file.name, "bytes": file.size} for file in plan.files],
        }  # fmt: skip
        if self._as_json:
            print_document(facts)
            return
        self._say(f"{plan.model} at {plan.asked}, commit {plan.revision[:12]}")
        for file in plan.files if last else ():
            self._say(f"  {figures.size(file.size):>10}  {one_line(file.name, 100)}")
        self._say(
            f"{len(plan.files)} files, {figures.size(plan.total)}, of which {figures.size(plan.here)} are "
            f"here; {figures.size(room(plan))} free in {one_line(str(cache.cache_folder()))}"
        )

    def tell(self, text: str) -> None:
        """A line for people."""
        if not self._as_json:
            self._say(one_line(text))

    def moved(self, done: int, total: int, rate: float) -> None:
        """How far it is: one line that changes on a terminal, else a line every few seconds."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_TICK if self._tty and not self._as_json else _EVERY)
        if self._as_json:
            print_document({"done": done, "total": total, "rate": round(rate)})
            return
        line = f"fetching  {figures.percent(done / max(total, 1)):>5}   {figures.fetched(done, total, rate)}"
        if not self._tty:
            self._say(line)
            return
        width = shutil.get_terminal_size().columns - 1
        write_over(line[:width])
        self._open = True

    def end_line(self) -> None:
        """Leave the line that changes."""
        if self._open:
            write_over("")
            self._open = False

    def done(self, plan: Plan, path: Path) -> None:
        """All of it is here."""
        self._last(plan.model, plan.revision, path, plan.total)

    def offline(self, model: str, path: Path) -> None:
        """It was here, and nothing newer can be asked for."""
        if not self._as_json:
            self._say(f"{model} is here; the hub is not asked, because HF_HUB_OFFLINE is set")
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        self._last(model, path.name, path, size)

    def _last(self, model: str, revision: str, path: Path, size: int) -> None:
        if self._as_json:
            print_document({self.kind: model, "revision": revision, "path": str(path), "bytes": size})
            return
        then = self.next or f"`openlora new --model {model}` begins a recipe with it"
        self._say(f"{figures.size(size)} are here; {then}")
        print(path)

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


_TICK: Final = 0.25
"""Seconds between two paints of the line that changes."""
