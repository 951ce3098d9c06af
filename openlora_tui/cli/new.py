"""`openlora new`: writes a commented recipe."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import atomic, paths
from engine.past_runs import run_called
from engine.problem import Problem
from engine.recipe import RecipeFile, field_named, moved, override, read, template
from engine.recipe.check import Mistake, parsed, part_set
from engine.recipe.fields import nearest
from engine.sources.entry import entries_of
from engine.text import one_line
from openlora_tui.cli.options import add_field_options, given_fields

if TYPE_CHECKING:
    from engine.mapping.preview import Preview

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
        for name, text in given.items():
            whole = name.partition(".")[0]
            values[whole] = _value(name, text, values.get(whole))
        found = _proposed(values, given)
        return _with_mapping(template(values, expert=args.expert), found)
    folder = args.path.parent if args.path is not None else Path.cwd()
    return moved(override(_origin(args.origin), given), folder).text


def _origin(word: str) -> RecipeFile:
    """The recipe that `word` means: a file, else a run."""
    path = Path(word)
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):
        return read(path)
    return read(run_called(paths.home(), word).recipe)


def _proposed(values: dict[str, object], given: Mapping[str, str]) -> Preview | None:
    """A mapping for data whose columns fit no shape, where the data is here and nobody wrote one."""
    if "data" not in given or "mapping" in values or values.get("data_format", "auto") != "auto":
        return None
    from engine.sources.resolve import resolve
    from openlora_tui.cli.mapping import proposal_for

    try:
        files = resolve([str(entry) for entry in entries_of(values["data"])]).files  # type: ignore[arg-type]
        return proposal_for(files[0].path) if files else None
    except Problem:  # it need not be here yet, and `train` says what is wrong with it
        return None


def _with_mapping(text: str, found: Preview | None) -> str:
    """The recipe with a proposed mapping in the place of the line that speaks of one."""
    if found is None:
        return text
    from openlora_tui.cli.mapping import paste

    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("# mapping: "))
    return "\n".join([*lines[:at], *paste(found), *lines[at + 1 :]])


def _value(name: str, text: str, before: object) -> object:
    whole, dot, part = name.partition(".")
    field = field_named(whole)
    if field is None:
        near = nearest(name)
        raise Problem(
            f"`{one_line(name, 80)}` is not a recipe field.",
            where="--set",
            do=f"Did you mean `{near}`?" if near else "`openlora new --help` lists the fields.",
        )
    try:
        return part_set(field, before, part, text) if dot else parsed(field, text)
    except Mistake as mistake:
        raise Problem(f"`{name}`: {mistake.why}.", where=f"--{name}", do=mistake.do) from mistake
