"""`openlora storage`: what takes room on the disk, and what of it can go."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Final

import msgspec

from engine import paths
from engine.problem import WORK_FAILED, Problem
from engine.storage.prune import goes_unasked, prune
from engine.storage.survey import ABOUT, KINDS, Item, survey
from engine.text import amount, one_line
from openlora_tui.cli.document import print_document
from openlora_tui.figures import age

HELP: Final = "what takes room: checkpoints, encoded rows, the hub's cache; `storage prune` removes some"
_DAY: Final = 86_400.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    actions = parser.add_subparsers(metavar="ACTION")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(act=_show)
    words = "remove what nobody holds; recipes, histories and adapters stay"
    pruning = actions.add_parser("prune", help=words, description=f"{words}. Without names: {_USUAL}.")
    pruning.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"{', '.join(KINDS)}, a run's number, or a name as `openlora storage` shows it",
    )
    pruning.add_argument(
        "--unused-for", type=float, default=0.0, metavar="DAYS", help="only what was not used for so long"
    )
    pruning.add_argument("--yes", action="store_true", help="do not ask")
    pruning.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on stdout")
    pruning.set_defaults(act=_prune)


_USUAL: Final = "the checkpoints of finished runs, and encoded rows"


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def _show(args: argparse.Namespace) -> int:
    found = survey(paths.home())
    if args.json:
        print_document({"items": found, "bytes": sum(item.bytes for item in found)})
        return 0
    now = time.time()
    for kind in KINDS:
        items = [item for item in found if item.kind == kind]
        print(f"{kind:<12} {amount(sum(item.bytes for item in items)):>10}  {ABOUT[kind]}")
        for item in items:
            used = age(max(now - item.used, 0.0))
            print(f"  {amount(item.bytes):>20}  {used:>5} ago  {one_line(item.name, 60)}{_remark(item)}")
    print(f"\n`openlora storage prune` removes {_USUAL}", file=sys.stderr)
    return 0


def _remark(item: Item) -> str:
    why = item.held or item.loses
    return f"  ({one_line(why, 80)})" if why else ""


def _prune(args: argparse.Namespace) -> int:
    root, now = paths.home(), time.time()
    items = _chosen(survey(root), args, now)
    if not items:
        _tell(args, "there is nothing to remove")
    if items and not args.yes and not _sure(items):
        print("nothing was removed", file=sys.stderr)
        return WORK_FAILED
    done = [(item, prune(item, root)) for item in items]
    freed = sum(item.bytes for item, why in done if not why)
    kept = [(item, why) for item, why in done if why]
    for item, why in kept:
        _tell(args, f"stays: {one_line(item.name, 60)}: {why}")
    if args.json:
        gone = [item for item, why in done if not why]
        left = [msgspec.structs.replace(item, held=why) for item, why in kept]
        print_document({"freed": freed, "removed": gone, "kept": left})
    elif items:
        print(f"{amount(freed)} freed", file=sys.stderr)
    return WORK_FAILED if kept else 0


def _chosen(found: list[Item], args: argparse.Namespace, now: float) -> list[Item]:
    """What the words mean.

    Raises:
        Problem: a word names nothing that is here, or something that is held.
    """
    unused = args.unused_for * _DAY
    kinds = [kind for kind in KINDS if kind in args.what] or ([] if args.what else ["checkpoints", "tokens"])
    items = [item for item in found if goes_unasked(item, kinds, older_than=unused, now=now)]
    for word in args.what:
        if word in KINDS:
            continue
        named = [item for item in found if word in (item.run, item.name, item.name.split(" (")[0])]
        if not named:
            what = f"Nothing here is called {one_line(word, 80)!r}."
            raise Problem(what, do="`openlora storage` lists what there is.")
        if named[0].held:
            raise Problem(f"It cannot go: {named[0].held}.", where=named[0].path,
                          do="Stop that first.", exit_status=WORK_FAILED)  # fmt: skip
        items += [item for item in named if item not in items]
    return items


def _sure(items: list[Item]) -> bool:
    for item in items:
        loses = f"  ({item.loses})" if item.loses else ""
        print(f"  {amount(item.bytes):>10}  {one_line(item.name, 60)}{loses}", file=sys.stderr)
    if not sys.stdin.isatty():
        raise Problem("Pruning asks first, and there is no one to ask.", do="Add --yes.")
    whole = amount(sum(item.bytes for item in items))
    print(f"Remove {len(items)}, {whole} in all? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def _tell(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text, file=sys.stderr)
