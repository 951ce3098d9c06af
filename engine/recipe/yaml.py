"""Reads and writes recipes as YAML: comments and order kept, mistakes named by file, line and field."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.scalarbool import ScalarBoolean

from engine import reading
from engine.problem import Problem
from engine.recipe.check import Mistake, built, missing, parsed, part_set, shown, value_of
from engine.recipe.edit import edited, written
from engine.recipe.fields import FIELDS, Field, Section, field_named, nearest
from engine.recipe.recipe import Recipe
from engine.recipe.together import clashes
from engine.sources.entry import Entry, is_dataset, short
from engine.templates.registry import is_file
from engine.text import one_line

_EXAMPLES: Final = {"model": "path/to/model", "data": "rows.jsonl"}
"""What a template says of the two fields that have no default."""
_LARGEST: Final = 1 << 20
_DEEPEST: Final = 32
_MOST: Final = 20_000
"""Nodes of a YAML text; beyond them it is no recipe, and reading it on would take long."""
_NESTED: Final = 8
"""How deep the value of a field may be."""
_FORM: Final = "Each line is `name: value`; texts with a colon or a hash need quotes."
SECTIONS: Final[dict[Section, str]] = {
    "what": "What to train on",
    "adapter": "The adapter",
    "optimisation": "Optimisation",
    "device": "Device",
    "reporting": "Evaluation, checkpoints and samples",
}


class Survey(msgspec.Struct, frozen=True):
    """What a text says, field by field, the wrong ones beside the right ones."""

    values: dict[str, Any]
    mistakes: dict[str, Problem]
    """By the name that the text has for the field, in the text's order."""
    raws: dict[str, str]
    """What is written for the mistaken ones, on one line."""
    lines: dict[str, int] = {}
    """Where each is said, counted from 1."""


class RecipeFile(msgspec.Struct, frozen=True):
    """A recipe together with the text it came from, so that its comments survive a change."""

    recipe: Recipe
    text: str
    path: Path | None = None

    @property
    def folder(self) -> Path:
        """What relative paths in the recipe are relative to."""
        return self.path.parent.absolute() if self.path else Path.cwd()

    @property
    def name(self) -> str:
        """What the run is called: `run_name`, else the file's name."""
        if self.recipe.run_name:
            return self.recipe.run_name
        return self.path.stem if self.path else "run"

    def resolved(self) -> Recipe:
        """The recipe with every local path absolute; a hub id stays as it is."""
        return msgspec.structs.replace(
            self.recipe,
            model=self._local(self.recipe.model),
            data=[self._data(entry) for entry in self.recipe.data_entries],
            eval_data=[self._data(entry) for entry in self.recipe.eval_entries] or None,
            adapter=self._adapter(self.recipe.adapter),
            output_dir=None if self.recipe.output_dir is None else self._absolute(self.recipe.output_dir),
            chat_template=self._template(self.recipe.chat_template),
        )

    def _absolute(self, path: str) -> str:
        try:
            return str((self.folder / Path(path).expanduser()).resolve())
        except (RuntimeError, OSError) as error:  # no such user's home, or a link that leads to itself
            where, why = str(self.path or "recipe"), f"{error}".rstrip(".") + "."
            what = f"{one_line(path, 200)} leads nowhere."
            raise Problem(what, where=where, why=why, do="Name a path that leads to a file.") from error

    def _data(self, entry: Entry) -> str | Entry:
        """A link keeps its own name: in the hub's cache that of what it leads to has no ending."""
        if is_dataset(entry.path, self.folder):
            return short(entry)
        try:
            path = os.path.abspath(self.folder / Path(entry.path).expanduser())
        except RuntimeError:
            self._absolute(entry.path)
            raise
        return short(msgspec.structs.replace(entry, path=path))

    def _adapter(self, name: str | None) -> str | None:
        return self._absolute(name) if name is not None and written_as_path(name) else name

    def _template(self, name: str | None) -> str | None:
        return self._absolute(name) if name is not None and is_file(name) else name

    def _local(self, name: str) -> str:
        looks_local = name.startswith((".", "/", "~"))
        return self._absolute(name) if looks_local or os.path.exists(self.folder / name) else name


def written_as_path(adapter: str) -> bool:
    """True for a folder; a bare word is the number or the name of a run, whatever lies beside the recipe."""
    return adapter.startswith((".", "~")) or "/" in adapter


def read(path: Path) -> RecipeFile:
    """The recipe in `path`.

    Raises:
        Problem: naming file, line and field, what is wrong and the nearest valid name.
    """
    return parse(text_of(path), path)


def text_of(path: Path) -> str:
    """The text of the recipe in `path`, whatever it says; raises Problem where it is no text."""
    try:
        with reading.opened(path) as file:
            return text_from(file, str(path))
    except OSError as error:
        raise Problem(
            f"The recipe cannot be read: {(error.strerror or 'unknown error').lower()}.",
            where=str(path),
            do="`openlora new` writes a recipe to start from; `-` is one that comes by stdin.",
        ) from error


def text_from(file: BinaryIO, where: str) -> str:
    """The text of a recipe that comes from `file`; raises Problem where it is no text."""
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Problem("The recipe is larger than 1 MiB.", where=where, do="Is it the dataset?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Problem(
            "The recipe is not UTF-8 text.", where=f"{where}:{line}", do="Save it as UTF-8."
        ) from error


def parse(text: str, path: Path | None = None) -> RecipeFile:
    """The recipe in `text`; `path` is named in problems and gives relative paths their folder."""
    found = survey(text, path)
    for problem in found.mistakes.values():
        raise problem
    for field in missing(found.values):
        raise Problem(
            f"The recipe lacks `{field.name}`.", where=str(path or "recipe"), why=field.help,
            do=f"Add a line `{field.name}: ...`.",
        )  # fmt: skip
    recipe = built(found.values)
    for clash in clashes(lambda name: getattr(recipe, name)):
        where = f"{path or 'recipe'}:{found.lines.get(clash.field, 1)}"
        raise Problem(f"`{clash.field}`: {clash.why}.", where=where, do=clash.do)
    return RecipeFile(recipe, text, path)


def survey(text: str, path: Path | None = None) -> Survey:
    """What `text` says of each field; raises Problem where it is no YAML of `name: value` lines."""
    document = _load(text, str(path or "recipe"))
    values: dict[str, Any] = {}
    mistakes: dict[str, Problem] = {}
    raws: dict[str, str] = {}
    lines: dict[str, int] = {}
    for name, raw in document.items():
        line = document.lc.data.get(name, [0])[0] + 1  # the first for a name that came by `<<`
        lines[str(name)] = line
        try:
            values[str(name)] = _value(str(name), raw, f"{path or 'recipe'}:{line}")
        except Problem as problem:
            mistakes[str(name)] = problem
            raws[str(name)] = shown(_bare(raw), 200)
    return Survey(values, mistakes, raws, lines)


def field_in(path: Path, name: str) -> object:
    """What a file says of one field: under its name, as a recipe does, or as the whole file.

    Raises:
        Problem: the file cannot be read, or is no YAML mapping.
    """
    document = _load(text_of(path), str(path))
    return _bare(document.get(name, document))


def override(file: RecipeFile, typed: Mapping[str, str]) -> RecipeFile:
    """The same recipe with fields changed to what a person typed for them, comments kept.

    Raises:
        Problem: naming the field, what is wrong and the nearest valid name.
    """
    values: dict[str, object] = {}
    for name, text in typed.items():
        whole, dot, inner = name.partition(".")
        field = _known(whole, f"--set {one_line(name, 80)}")
        try:
            if dot:
                before = values.get(whole, getattr(file.recipe, whole))
                values[whole] = part_set(field, before, inner, text)
            else:
                values[name] = parsed(field, text)
        except Mistake as mistake:
            raise Problem(f"`{name}`: {mistake.why}.", where=f"--set {name}", do=mistake.do) from mistake
    return changed(file, values)


def changed(file: RecipeFile, values: Mapping[str, object]) -> RecipeFile:
    """The same recipe with fields set to these values, comments and order kept."""
    return parse(filled(file.text, values, file.path), file.path) if values else file


def filled(text: str, values: Mapping[str, object], path: Path | None = None) -> str:
    """`text` with fields set to these values, comments and order kept; raises Problem where it is no YAML."""
    lines = {name: _left_out(field) for name in values if (field := field_named(name))}
    new = edited(text, {name: written(value) for name, value in values.items()}, lines)
    if new is not None:
        return new
    document = _load(text, str(path or "recipe"))
    document.update(msgspec.to_builtins(dict(values)))
    buffer = io.StringIO()
    _yaml().dump(document, buffer)
    return buffer.getvalue()


def template(values: Mapping[str, object], *, expert: bool = False) -> str:
    """A commented recipe with `values` filled in and every other field shown at its default.

    Fields at their default are commented out, so the file says what was decided and what was left.
    """
    lines = ["# A recipe for OpenLoRA. Only `model` and `data` are required; paths start at this file.", ""]
    for section, title in SECTIONS.items():
        fields = [
            f for f in FIELDS if f.section == section and (expert or f.level != "expert" or f.name in values)
        ]
        lines.append(f"# --- {title} ---")
        for field in fields:
            lines += [*_comment(field), _line(field, values)]
        lines.append("")
    return "\n".join(lines)


def _comment(field: Field) -> list[str]:
    accepted = f" ({field.bounds}{' ' + field.unit if field.unit else ''})" if field.bounds else ""
    return [f"# {field.help}{accepted}"]


def _line(field: Field, values: Mapping[str, object]) -> str:
    if field.name in values:
        return f"{field.name}: {written(values[field.name])}"
    return _left_out(field)


def _left_out(field: Field) -> str:
    """The line of a template that stands for a field at its default."""
    return f"# {field.name}: {_EXAMPLES[field.name] if field.required else written(field.default)}"


def _value(name: str, raw: object, where: str) -> Any:
    field = _known(name, where)
    try:
        return value_of(field, _bare(raw))
    except Mistake as mistake:
        raise Problem(f"`{name}`: {one_line(mistake.why, 200)}.", where=where, do=mistake.do) from mistake


def _bare(raw: object) -> object:
    """`raw` without ruamel's round-trip types; aliases can make more of a short text than may be copied."""
    left = _MOST

    def copy(value: object, deep: int) -> object:
        nonlocal left
        left -= 1
        if left < 0 or deep > _NESTED:
            return {}
        if isinstance(value, list):
            return [copy(item, deep + 1) for item in islice(value, left)]
        if isinstance(value, dict):
            return {str(key): copy(item, deep + 1) for key, item in islice(value.items(), left)}
        return _scalar(value)

    return copy(raw, 0)


def _scalar(raw: object) -> object:
    if isinstance(raw, (bool, ScalarBoolean)):
        return bool(raw)
    for kind in (int, float, str):
        if isinstance(raw, kind):
            return kind(raw)
    return raw if raw is None or isinstance(raw, date) else {}


def _known(name: str, where: str) -> Field:
    field = field_named(name)
    if field is not None:
        return field
    near = nearest(name)
    raise Problem(
        f"`{one_line(name, 80)}` is not a recipe field.",
        where=where,
        do=f"Did you mean `{near}`?" if near else "`openlora new --help` lists the fields.",
    )


def _load(text: str, where: str) -> CommentedMap:
    try:
        _weigh(text, where)
        document = _yaml().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Problem(
            "The recipe is not valid YAML.",
            where=f"{where}:{line}",
            why=f"{one_line(error.problem or 'unreadable', 200)}.",
            do=_FORM,
        ) from error
    except Problem:
        raise
    except Exception as error:  # on strange input ruamel raises whatever its own code runs into
        digits = "int_max_str_digits" in str(error)
        why = "A number has thousands of digits." if digits else f"{one_line(str(error), 200)}."
        raise Problem("The recipe is not valid YAML.", where=where, why=why, do=_FORM) from error
    if document is None:
        document = CommentedMap()
    if not isinstance(document, CommentedMap):
        raise Problem(
            "The recipe is not a list of `name: value` lines.",
            where=f"{where}:1",
            do="`openlora new` writes a recipe to start from.",
        )
    return document


def _weigh(text: str, where: str) -> None:
    """Refuse what is too deep or too long to be a recipe before memory and time go into it."""
    depth = 0
    for count, event in enumerate(YAML(typ="rt").parse(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST or count > _MOST:
            line = event.start_mark.line + 1
            raise Problem("This is too deep or too long to be a recipe.", where=f"{where}:{line}",
                          do="Is it the dataset?")  # fmt: skip


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
