"""Command-line options made from the table of recipe fields."""

from __future__ import annotations

import argparse
import os

from engine.problem import Problem
from engine.recipe.fields import FIELDS
from engine.recipe.places import PATHS
from engine.text import one_line


def add_field_options(parser: argparse.ArgumentParser) -> None:
    """One `--learning-rate X` for each recipe field, described by the table."""
    group = parser.add_argument_group("recipe fields")
    for field in FIELDS:
        bounds = f" ({field.bounds})" if field.bounds else ""
        default = "" if field.required or field.default is None else f" [{field.default}]"
        help_text = f"{field.help}{bounds}{default}".replace("%", "%%")
        words = [f"--{field.name.replace('_', '-')}"]
        if "_" in field.name:
            words.append(f"--{field.name}")
        group.add_argument(*words, dest=f"field_{field.name}", metavar="X", help=help_text)


def given_fields(args: argparse.Namespace) -> dict[str, str]:
    """The recipe fields that were given, by option and by `--set name=value`, as they were typed.

    Raises:
        Problem: for a `--set` without `=`.
    """
    changes: dict[str, str] = {}
    for word in getattr(args, "set", None) or []:
        name, equals, value = word.partition("=")
        if not equals:
            raise Problem(
                f"`{one_line(word, 80)}` sets nothing.", where="--set", do="Write --set name=value."
            )
        changes[name.strip()] = value
    for field in FIELDS:
        value = getattr(args, f"field_{field.name}", None)
        if value is not None:
            changes[field.name] = value
    return changes


def given_absolute(args: argparse.Namespace) -> dict[str, str]:
    """The same with paths that start where the command was typed, for a recipe that lies elsewhere."""
    return {
        name: os.path.abspath(os.path.expanduser(value)) if name in PATHS and value[:1] not in "[" else value
        for name, value in given_fields(args).items()
    }
