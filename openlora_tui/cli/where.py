"""`openlora where`: where everything lies, for people and for scripts."""

from __future__ import annotations

import argparse
from typing import Final

from engine.problem import Problem
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.document import print_document

HELP: Final = "where everything lies: runs, logs, drafts, keys, themes, the hub's cache"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="print this one's path alone, as for `cd`")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """List them all, or print one path."""
    from openlora_tui.whereabouts import bytes_below, spots

    found = spots()
    if args.name is not None:
        path = next((spot.path for spot in found if spot.name == args.name), None)
        if path is None:
            names = ", ".join(spot.name for spot in found)
            raise Problem(f"Nothing here is called {one_line(args.name, 40)!r}.", do=f"There are: {names}.")
        if args.json:
            print_document({"path": str(path)})
        else:
            print(path)
        return 0
    if args.json:
        document = [
            {"name": spot.name, "path": str(spot.path), "exists": spot.path.exists(),
             "bytes": bytes_below(spot.path), "about": spot.about}
            for spot in found
        ]  # fmt: skip
        print_document({"places": document})
        return 0
    for spot in found:
        size = figures.size(bytes_below(spot.path)) if spot.path.exists() else "–"
        print(f"{spot.name:<13}{size:>10}  {one_line(str(spot.path))}")
    return 0
