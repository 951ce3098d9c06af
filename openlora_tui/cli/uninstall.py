"""`openlora uninstall`: takes away what OpenLoRA has written on this machine, and says what it leaves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.problem import WORK_FAILED, Problem
from engine.run_dir import live_runs
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli import engine
from openlora_tui.cli.document import print_document

if TYPE_CHECKING:
    from openlora_tui.leftovers import Leftovers

HELP: Final = "delete everything that OpenLoRA has written here; --dry-run lists it"
WORDS: Final = "delete all runs"
_LAST: Final = "-m pip uninstall openlora-tui"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("--dry-run", action="store_true", help="list what would go and what would stay")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Tell, ask, end the engine, delete; the package itself is pip's to remove."""
    from openlora_tui.leftovers import remove, survey

    found = survey()
    if not args.json:
        _tell(found, dry=args.dry_run)
    if args.dry_run:
        return _done(args, found, deleted=False)
    about = _unused(paths.home_path())
    if found.goes and not args.yes and not _sure():
        print("nothing was deleted", file=sys.stderr)
        return WORK_FAILED
    if about is not None:
        engine.stop(paths.home_path(), about, force=True)
    kept = remove(found)
    if kept:
        raise Problem(
            "Not everything could be deleted.",
            where=str(kept[0][0]),
            why=f"{kept[0][1]}.",
            do="Make it yours to delete, and say it again.",
            exit_status=WORK_FAILED,
        )
    return _done(args, found, deleted=True)


def _unused(root: Path) -> engine.About | None:
    """The engine to end; None where there is not even a home.

    Raises:
        Problem: a run is live, or a front end is attached and would start the next engine.
    """
    if not root.is_dir():
        return None
    running = live_runs(root)
    if running:
        runs = f"run {running[0]} is" if len(running) == 1 else f"runs {', '.join(running[:5])} are"
        do = "`openlora runs stop --all` saves and ends them."
        raise Problem(f"Nothing was deleted: {runs} live.", do=do, exit_status=WORK_FAILED)
    about = engine.look(root)
    if about.attached:
        raise Problem("Nothing was deleted: a front end is attached.", do="Leave openlora-tui first.",
                      exit_status=WORK_FAILED)  # fmt: skip
    return about


def _tell(found: Leftovers, *, dry: bool) -> None:
    verb = "would go" if dry else "goes"
    total = sum(size for _, size in found.goes)
    print(f"{figures.size(total)} {verb}" if found.goes else "Nothing that OpenLoRA has written is here.")
    for path, size in found.goes:
        print(f"  {figures.size(size):>10}  {one_line(str(path))}")
    if found.stays:
        print("stays, because it is yours")
    for path, why in found.stays:
        print(f"  {one_line(str(path))}\n{'':>12}  {why}")


def _done(args: argparse.Namespace, found: Leftovers, *, deleted: bool) -> int:
    commands = [*(["openlora uninstall"] if found.goes and not deleted else []), f"{sys.executable} {_LAST}"]
    if args.json:
        goes = [{"path": str(path), "bytes": size} for path, size in found.goes]
        stays = [{"path": str(path), "why": why} for path, why in found.stays]
        document = {"deleted": deleted, "goes": goes, "stays": stays, "commands": commands}
        print_document(document)
        return 0
    print("deleted; the last step" if deleted else "to do it" if found.goes else "the last step")
    for command in commands:
        print(f"  {command}")
    return 0


def _sure() -> bool:
    if not sys.stdin.isatty():
        raise Problem("Deleting asks first, and there is no one to ask.", do="Add --yes.")
    print(f"There is no way back. Type `{WORDS}`: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == WORDS
