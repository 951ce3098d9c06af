"""`openlora recommend`: a recipe for some data and a model, each value with its reason and its source."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine import atomic, paths
from engine.problem import Problem
from engine.recipe import (
    Recipe,
    RecipeFile,
    check_paths,
    field_named,
    near,
    override,
    parse,
    placed,
    template,
)
from engine.recipe.edit import written
from engine.recipe.places import PATHS
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.document import print_document
from openlora_tui.cli.found import finding_lines, words
from openlora_tui.cli.options import add_field_options, given_fields
from openlora_tui.cli.outlet import write_over

if TYPE_CHECKING:
    from engine.lessons.lesson import Lesson
    from engine.recommend.situation import Situation
    from engine.recommend.values import Recommendation, Value

HELP: Final = "a recipe for your data and a model, each value with its reason and the past runs behind it"
_SECONDS: Final = 20.0
"""For which rows are looked at."""
_EVERY: Final = 0.5
_WIDTH: Final = 96
_NAMES: Final = 28


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    add = parser.add_argument
    add("files", nargs="*", metavar="DATA", help="files, globs, folders or hub datasets to learn from")
    add("--gpu-memory", default="", metavar="12GiB", help="fit it to a card with this memory")
    add("--full", action="store_true", help=f"look at all rows, however long it takes [{_SECONDS:.0f} s]")
    add("--first-guess", action="store_true", help="leave past runs out")
    add("-o", "--output", type=Path, metavar="RECIPE", help="write the recipe, each value with its reason")
    add("--force", action="store_true", help="replace a recipe that exists")
    add("--set", action="append", metavar="NAME=VALUE", help="decide a recipe field yourself")
    add("--json", action="store_true", help="one JSON document on stdout")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Look, recommend, and write the recipe where one is asked for."""
    if args.output is not None and os.path.lexists(args.output) and not args.force:
        raise Problem("The file exists.", where=str(args.output), do="Choose another name, or add --force.")
    file = _asked(args)
    situation = _situation(args, file)
    lessons, note = ([], "") if args.first_guess else _lessons()
    from engine.recommend.advise import recommend

    found = recommend(situation, lessons)
    if note:
        found.notes.append(note)
    if args.output is not None:
        _write(args.output, recipe_text(found, args.output.parent.absolute()))
    if args.json:
        print_document(found.document())
    else:
        print("\n".join(lines(found)))
    if args.output is not None:
        word = shlex.quote(one_line(str(args.output), 200))
        print(f"wrote {word}; `openlora train {word}` runs it", file=sys.stderr)
    return 0


def _asked(args: argparse.Namespace) -> RecipeFile:
    """What is decided already: the data, the model, and what was given by options."""
    given = given_fields(args)
    if args.files:
        given["data"] = written(args.files if len(args.files) > 1 else args.files[0])
    if "data" not in given:
        raise Problem("There is no data to recommend for.", do="openlora recommend DATA --model M")
    if "model" not in given:
        raise Problem("A recipe needs a model.", where="--model",
                      do="Name a model's folder, or a hub id such as Qwen/Qwen2.5-0.5B.")  # fmt: skip
    file = override(parse("model: none\ndata: none\n"), given)
    check_paths(file)
    return file


def _situation(args: argparse.Namespace, file: RecipeFile) -> Situation:
    from engine.recommend.look import Looking

    kept = frozenset(given_fields(args)) - {"model", "data"}
    looking = Looking(placed(file), kept, args.gpu_memory)
    live, told = sys.stderr.isatty(), time.monotonic()
    for share in looking.steps(None if args.full else _SECONDS):
        if live and time.monotonic() - told > _EVERY:
            told = time.monotonic()
            write_over(f"{figures.percent(share)}  looking at the rows")
    if live:
        write_over("")
    return looking.situation()


def _lessons() -> tuple[list[Lesson], str]:
    """What past runs taught; else none, and why."""
    from openlora_tui.cli.session import Session

    try:
        with Session(paths.home()) as session:
            return session.lessons(), ""
    except Problem as problem:
        return [], f"Past runs were left out: {problem.what}"


def lines(found: Recommendation) -> list[str]:
    """The recommendation for people."""
    told = [one_line(fact) for fact in found.facts]
    if found.runs:
        gain = figures.percent(found.expected_gain)
        further = f": the loss should fall {gain} further for them" if found.expected_gain > 0 else ""
        told.append(f"{found.runs} past runs were taken into account{further}")
    told.append("")
    for value in found.values:
        told += value_lines(value)
    data = words(str(entry) for entry in found.recipe.data_entries)
    told += ["", *finding_lines(found.findings, data)] if found.findings else []
    return [*told, *(f"note: {one_line(note)}" for note in found.notes)]


def value_lines(value: Value) -> list[str]:
    """A value, and below it why."""
    from textwrap import wrap

    field = field_named(value.field)
    assert field is not None
    shown = said(value.value)
    if value.value != field.default and not field.required:
        shown += f"  (default {said(field.default)})"
    head = f"{value.field.ljust(_NAMES)} {shown}"
    sure = "" if value.source == "your choice" else f", {figures.percent(value.confidence)} sure"
    why = wrap(one_line(value.reason), _WIDTH - 4)
    cites = wrap("; ".join(map(one_line, value.cites)), _WIDTH - 4)
    return [f"{head}   {value.source}{sure}", *(f"    {line}" for line in [*why, *cites])]


def said(value: object) -> str:
    """A value as a recipe has it."""
    return one_line(written(value), 60)


def recipe_text(found: Recommendation, folder: Path) -> str:
    """A commented recipe for a file in `folder`, with the reason above each recommended value."""
    recipe, values = found.recipe, {value.field: value for value in found.values}
    decided: dict[str, Any] = {
        name: _placed(recipe, name, folder) for name in ("model", "data", "eval_data")
        if getattr(recipe, name) is not None
    }  # fmt: skip
    decided |= {value.field: _placed(recipe, value.field, folder) for value in found.values}
    text = []
    for line in template(decided).split("\n"):
        value = values.get(line.partition(":")[0])
        if value is not None:
            sure = "" if value.source == "your choice" else f", {figures.percent(value.confidence)} sure"
            text.append(f"# why: {one_line(value.reason)} ({value.source}{sure})")
        text.append(line)
    return "\n".join(text)


def _placed(recipe: Recipe, name: str, folder: Path) -> Any:
    """A field's value, its paths as a recipe in `folder` says them."""
    value = getattr(recipe, name)
    if name not in PATHS:
        return value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        return [near(item, folder) if isinstance(item, str) else item for item in value]
    return near(value, folder) if isinstance(value, str) else value


def _write(path: Path, text: str) -> None:
    try:
        atomic.write(path, text.encode(), mode=0o644)
    except OSError as error:
        raise Problem(
            "The recipe cannot be written.", where=str(path), why=f"{error.strerror}.",
            do="Name a file in a folder that is there and that you may write.",
        ) from error  # fmt: skip
