"""`openlora new`: writes a commented recipe."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine import atomic, paths
from engine.past_runs import run_called
from engine.problem import Problem
from engine.recipe import RecipeFile, field_named, moved, near, override, read, template
from engine.recipe.check import Mistake, parsed, part_set
from engine.recipe.fields import nearest
from engine.recipe.foreign.take_over import translation
from engine.recipe.foreign.translation import Translation
from engine.recipe.places import PATHS
from engine.recipe.recipe import RATE_FOR_PAIRS
from engine.sources.entry import entries_of
from engine.text import one_line
from openlora_tui.cli.document import print_document
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.taken_over import document, told

if TYPE_CHECKING:
    from engine.mapping.preview import Preview

HELP: Final = "write a commented recipe"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "path", nargs="?", type=Path, help="file to write, such as recipe.yaml; stdout if left out"
    )
    parser.add_argument(
        "--from", dest="origin", metavar="RUN|FILE",
        help="take over the recipe of a run (its number, its name, or last) or of a file, comments and all; "
        "or an Axolotl or LLaMA-Factory file, each key with what becomes of it",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="what became of each key, as one JSON document")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.add_argument("--expert", action="store_true", help="show the rarely needed fields too")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="set any recipe field")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the recipe, with what was given filled in."""
    taken = _foreign(args.origin)
    beside = _beside(args.path, taken) if taken is not None else {}
    text = _text(args) if taken is None else _taken_over(args, taken)
    if args.path is not None:
        for path in (args.path, *beside):
            if os.path.lexists(path):
                _check_replaceable(path, force=args.force)
        for path, content in {**beside, args.path: text}.items():
            _write(path, content)
    if taken is not None:
        for line in told(taken):
            print(line, file=sys.stderr)
    if args.json:
        print_document(document(args.path, text, taken))
    elif args.path is None:
        print(text, end="")
    if args.path is not None:
        name = one_line(str(args.path), 200)
        word = shlex.quote(f"./{name}" if name.startswith("-") else name)
        print(f"wrote {name}; `openlora train {word}` runs it", file=sys.stderr)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        atomic.write(path, text.encode(), mode=0o644)
    except OSError as error:
        raise Problem(
            "The recipe cannot be written.", where=str(path), why=f"{error.strerror}.",
            do="Name a file in a folder that is there and that you may write.",
        ) from error  # fmt: skip


def _foreign(origin: str | None) -> Translation | None:
    """What another trainer's file comes to; None where `origin` is a recipe, a run, or not there."""
    if origin is None or not os.path.isfile(origin):
        return None
    return translation(Path(origin))


def _beside(path: Path | None, taken: Translation) -> dict[Path, str]:
    """Files that go beside the recipe, such as a template that the other file spelt out."""
    if not taken.files:
        return {}
    if path is None:
        raise Problem(
            "The file spells out a chat template, which needs a file of its own.",
            do="Name the recipe to write: `openlora new recipe.yaml --from FILE`.",
        )
    found = {path.with_suffix(f".{ending}"): text for ending, text in taken.files.items()}
    taken.values["chat_template"] = f"./{path.with_suffix('.jinja').name}"
    return found


def _taken_over(args: argparse.Namespace, taken: Translation) -> str:
    """The recipe that another trainer's file comes to, with what was given filled in."""
    folder = (args.path.parent if args.path is not None else Path.cwd()).absolute()
    values = {name: _near(value, folder) if name in PATHS else value for name, value in taken.values.items()}
    _fill(values, given_fields(args))
    head = f"# Taken over from {one_line(args.origin, 200)} ({taken.tool})."
    return f"{head}\n{template(values, expert=args.expert)}"


def _near(value: Any, folder: Path) -> Any:
    """Paths as a recipe in `folder` says them; what the hub names stays as it is."""
    if isinstance(value, list):
        return [_near(item, folder) for item in value]
    return near(value, folder) if isinstance(value, str) else value


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
        _fill(values, given)
        _prefer(values, given)
        found = _proposed(values, given)
        return _with_mapping(template(values, expert=args.expert), found)
    folder = args.path.parent if args.path is not None else Path.cwd()
    return moved(override(_origin(args.origin), given), folder).text


def _fill(values: dict[str, Any], given: Mapping[str, str]) -> None:
    """Set fields, or parts of them, to what a person typed."""
    for name, text in given.items():
        whole = name.partition(".")[0]
        values[whole] = _value(name, text, values.get(whole))


def _prefer(values: dict[str, Any], given: Mapping[str, str]) -> None:
    """Where the data is here and its rows are pairs, learn what is preferred, unless it was said."""
    if "data" not in given or not given.keys().isdisjoint({"objective", "data_format", "mapping"}):
        return
    from engine.data.examples import first_rows
    from engine.data.read.rows import read_rows
    from engine.data.shapes import shape_of_most
    from engine.sources.resolve import resolve

    try:
        files = resolve([str(entry) for entry in entries_of(values["data"])]).files
        head = first_rows(read_rows(files[0].path)) if files else []
    except Problem:  # it need not be here yet, and `train` says what is wrong with it
        return
    if shape_of_most([row.values for row in head]) != "preference":
        return
    values |= {"objective": "dpo", "learning_rate": values.get("learning_rate", RATE_FOR_PAIRS)}
    told = f"the rows are pairs: objective dpo, learning_rate {values['learning_rate']:g}"
    print(f"{told}; orpo would learn the chosen answers too", file=sys.stderr)


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
