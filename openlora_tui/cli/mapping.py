"""The words of `openlora inspect` about mappings: `--mapping` takes one, `--propose` writes one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.mapping.preview import Preview, Sample
from engine.mapping.spell import lines
from engine.problem import WORK_FAILED, Problem
from engine.recipe.check import Mistake, parsed, value_of
from engine.recipe.fields import field_named
from engine.recipe.yaml import field_in
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.cli.document import print_document

if TYPE_CHECKING:
    from engine.mapping.mapping import Mapping

_SHOWN: Final = 2
_WIDE: Final = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument(
        "--mapping",
        metavar="FILE|{…}",
        help="make rows of other columns: a YAML file (a recipe is one), or '{question: \"{title}\", …}'",
    )
    parser.add_argument(
        "--propose", action="store_true", help="print a mapping for these columns, to paste into a recipe"
    )


def mapping_from(word: str | None) -> Mapping | None:
    """The mapping that `--mapping` means.

    Raises:
        Problem: there is no such file, or what it says is no mapping.
    """
    if word is None:
        return None
    field = field_named("mapping")
    assert field is not None
    try:
        if word.lstrip().startswith("{"):
            found: Mapping | None = parsed(field, word)
        else:
            found = value_of(field, field_in(Path(word), field.name))
    except Mistake as mistake:
        where = "--mapping" if word.lstrip().startswith("{") else word
        raise Problem(f"`mapping`: {mistake.why}.", where=where, do=mistake.do) from mistake
    return found


def propose(files: list[Path], *, as_json: bool) -> int:
    """Print the mapping that the first file most likely needs; says so where it needs none.

    Raises:
        Problem: nothing in its columns looks like text to learn.
    """
    found = _proposed(files[0])
    if as_json:
        print_document(found)
    elif found.mapping is None and found.shape is not None:
        print(f"The rows are read as {found.shape}: no mapping is needed.", file=sys.stderr)
    elif found.mapping is not None:
        print("\n".join(paste(found)))
    if found.mapping is None and found.shape is None:
        raise Problem(
            "No mapping can be proposed.",
            where=str(files[0]),
            why="Nothing in its columns looks like text to learn.",
            do="Write one by hand: docs/data.md says how.",
            exit_status=WORK_FAILED,
        )
    return 0


def paste(found: Preview) -> list[str]:
    """A proposal as lines of a recipe, with its reason and what it makes of some rows as comments."""
    assert found.mapping is not None
    sure = figures.percent(found.confidence)
    return [
        f"# {one_line(found.reason)} ({sure} sure)",
        "mapping:",
        *lines(found.mapping),
        *(line for sample in found.samples[:_SHOWN] for line in _told(sample)),
    ]


def proposal_for(path: Path) -> Preview | None:
    """The mapping that a file needs; None where its rows have a shape, or it is a running text."""
    found = _proposed(path)
    return found if found.mapping is not None else None


def _proposed(path: Path) -> Preview:
    # Imported on use: `--help` reads no rows.
    from engine.data.inspect import Inspection
    from engine.data.mapping.preview import preview, proposed

    inspection = Inspection([path])
    rows = inspection.head(0)
    plain, found = preview(None, rows), proposed(rows)
    turns = plain.shape == "text" and found.mapping is not None and found.mapping.keys
    return found if plain.shape is None or turns else plain


def _told(sample: Sample) -> list[str]:
    said = [f"#   {part.role}: {one_line(part.text, _WIDE)}" for part in sample.parts]
    return [f"# {one_line(sample.where)}", *(said or [f"#   {one_line(sample.problem, _WIDE)}"])]
