"""`openlora new`: writes a commented recipe."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Final

from engine import atomic, paths
from engine.past_runs import run_called
from engine.problem import Problem
from engine.recipe import RecipeFile, field_named, moved, override, read, template
from engine.recipe.check import Mistake, parsed
from engine.recipe.fields import nearest
from engine.text import one_line
from openlora_tui.cli.options import add_field_options, given_fields

HELP: Final = "write a commented recipe"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "path", nargs="?", type=Path, help="file to write, such as recipe.yaml; stdout if left out"
    )
    parser.add_argument(
        "--from", dest="origin", metavar="RUN|RECIPE",
        help="take over the recipe of a run (its number, its name, or last) or of a file, comments and all",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.add_argument("--expert", action="store_true", help="show the rarely needed fields too")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="set any recipe field")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the recipe, with what was given filled in."""
    text = _text(args)
    if args.path is None:
        print(text, end="")
        return 0
    if os.path.lexists(args.path):
        _check_replaceable(args.path, force=args.force)
    try:
        atomic.write(args.path, text.encode(), mode=0o644)
    except OSError as error:
        raise Problem(
            "The recipe cannot be written.", where=str(args.path), why=f"{error.strerror}.",
            do="Name a file in a folder that is there and that you may write.",
        ) from error  # fmt: skip
    name = one_line(str(args.path), 200)
    word = shlex.quote(f"./{name}" if name.startswith("-") else name)
    print(f"wrote {name}; `openlora train {word}` runs it", file=sys.stderr)
    return 0


def _check_replaceable(path: Path, *, force: bool) -> None:
    if not os.path.isfile(path):
        what = "There is something else of that name, and no file."
        raise Problem(what, where=str(path), do="Choose another name, or none to have the recipe on stdout.")
    if not force:
        raise Problem("The file exists.", where=str(path), do="Choose another name, or add --force.")


def _text(args: argparse.Namespace) -> str:
    """The recipe taken over, or the template, with what was given filled in."""
    given = given_fields(args)
    if args.origin is None:
        values: dict[str, object] = {"model": "path/to/model", "data": "rows.jsonl"}
        values |= {name: _value(name, text) for name, text in given.items()}
        return template(values, expert=args.expert)
    folder = args.path.parent if args.path is not None else Path.cwd()
    return moved(override(_origin(args.origin), given), folder).text


def _origin(word: str) -> RecipeFile:
    """The recipe that `word` means: a file, else a run."""
    path = Path(word)
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):
        return read(path)
    return read(run_called(paths.home(), word).recipe)


def _value(name: str, text: str) -> object:
    field = field_named(name)
    if field is None:
        near = nearest(name)
        raise Problem(
            f"`{one_line(name, 80)}` is not a recipe field.",
            where="--set",
            do=f"Did you mean `{near}`?" if near else "`openlora new --help` lists the fields.",
        )
    try:
        return parsed(field, text)
    except Mistake as mistake:
        raise Problem(f"`{name}`: {mistake.why}.", where=f"--{name}", do=mistake.do) from mistake
