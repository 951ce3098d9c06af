"""The recipe under edit: what a person typed over a recipe's text, field by field; knows no screen."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Final

import msgspec

from engine import atomic
from engine.problem import Problem
from engine.recipe import (
    FIELDS,
    Field,
    Recipe,
    RecipeFile,
    field_named,
    filled,
    moved,
    near,
    survey,
    template,
)
from engine.recipe.check import Mistake, parsed
from engine.recipe.edit import written
from engine.recipe.places import PATHS
from engine.recipe.together import clashes
from engine.recipe.yaml import Survey, text_of
from engine.sources.entry import entries_of

_UNDOS: Final = 500


class Version(msgspec.Struct, frozen=True):
    """What undo goes back to: a recipe's text, and what was typed over it."""

    text: str
    typed: dict[str, str] = {}


class Kept(msgspec.Struct, frozen=True):
    """A draft as it lies on disk while it is not saved."""

    folder: str
    path: str | None
    saved: str
    now: Version


class Slip(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    why: str
    do: str = ""


class Against(msgspec.Struct, frozen=True):
    """An earlier run's recipe, to compare with; its paths are absolute."""

    title: str
    recipe: Recipe


class Draft:
    """Values as text over a recipe whose comments stay; every change can be undone.

    A text that does not fit its field is kept as it was typed, and told of by `slips`.
    """

    def __init__(self, folder: Path, path: Path | None = None, text: str | None = None) -> None:
        self.path = path
        self.against: Against | None = None
        self._folder = folder
        self._saved = template({}) if text is None else text
        self._survey: tuple[str, Survey] | None = None
        self._undo: list[Version] = []
        self._redo: list[Version] = []
        self._typing = ""
        self._now = Version(self._saved)
        self.survey()

    @classmethod
    def opened(cls, path: Path) -> Draft:
        """The recipe in a file, with its mistakes; raises Problem where it is no recipe at all."""
        return cls(path.parent.absolute(), path.absolute(), text_of(path))

    @classmethod
    def fresh(cls, folder: Path, values: Mapping[str, object]) -> Draft:
        """A recipe that is in no file yet, some values filled in; all the rest is at its default."""
        draft = cls(folder)
        draft._now = Version(template(values))
        return draft

    @classmethod
    def restored(cls, kept: Kept) -> Draft:
        """A draft as it was when its app ended."""
        path = None if kept.path is None else Path(kept.path)
        draft = cls(Path(kept.folder), path, kept.saved)
        draft._now = kept.now
        draft.survey()
        return draft

    @property
    def kept(self) -> Kept:
        """All that has to outlive the app."""
        path = None if self.path is None else str(self.path)
        return Kept(str(self._folder), path, self._saved, self._now)

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._folder

    @property
    def name(self) -> str:
        """What a run of it is called."""
        name = self.value("run_name")
        if name and self.slip("run_name") is None:
            return str(name)
        if self.path is not None:
            return self.path.stem
        entries = entries_of(self.value("data"))
        return PurePath(entries[0].path).stem.strip("*?") or "run" if entries else "run"

    @property
    def data_words(self) -> list[str]:
        """What the data is, a word each, its paths absolute; empty while none is named."""
        value = self.value("data")
        if not value or self.slip("data") is not None:
            return []
        try:
            return [str(entry) for entry in self._loose().resolved().data_entries]
        except Problem:
            return []

    @property
    def eval_words(self) -> list[str]:
        """The same of the evaluation data; empty where rows of the training data are held out."""
        if not self.value("eval_data") or self.slip("eval_data") is not None:
            return []
        try:
            return [str(entry) for entry in self._loose().resolved().eval_entries]
        except Problem:
            return []

    @property
    def dirty(self) -> bool:
        """True where something is not in the file."""
        return self._now != Version(self._saved)

    @property
    def undoable(self) -> bool:
        """True where there is something to undo."""
        return bool(self._undo)

    @property
    def redoable(self) -> bool:
        """True where something was undone."""
        return bool(self._redo)

    # --- one field ---

    def value(self, name: str) -> Any:
        """The field's value, its default where it is left out or mistaken; None for a required one."""
        try:
            return self._checked(name)
        except Mistake:
            return _default(_field(name))

    def shown(self, name: str) -> str:
        """The field's value as it is typed."""
        typed = self._now.typed.get(name)
        if typed is not None:
            return typed
        found = self.survey()
        if name in found.raws:
            return found.raws[name]
        return said(found.values.get(name, _default(_field(name))))

    def slip(self, name: str) -> Slip | None:
        """What is wrong with the field as it stands, None where nothing is."""
        try:
            value = self._checked(name)
        except Mistake as mistake:
            return Slip(mistake.why, mistake.do)
        if value is None and _field(name).required:
            return Slip("it is still to be chosen")
        return next((Slip(clash.why, clash.do) for clash in clashes(self.value) if clash.field == name), None)

    def slips(self) -> dict[str, Slip]:
        """All mistakes by field, in the form's order; then lines of the text that are no field."""
        found = {field.name: slip for field in FIELDS if (slip := self.slip(field.name))}
        for name, problem in self.survey().mistakes.items():
            if field_named(name) is None:
                found[name] = Slip(problem.what.rstrip("."), problem.do)
        return found

    def changed(self, name: str) -> bool:
        """True where the field is not at its default."""
        return self.slip(name) is not None or self.value(name) != _default(_field(name))

    def others(self) -> dict[str, str]:
        """By field, what the run that is compared with has where it differs; empty where none is."""
        if self.against is None:
            return {}
        mine, theirs = self._loose().resolved(), self.against.recipe
        found = {}
        for field in FIELDS:
            one, two = getattr(mine, field.name), getattr(theirs, field.name)
            if field.name in ("data", "eval_data"):
                one, two = _listed(one), _listed(two)
            if one != two:
                found[field.name] = said(near(two, self._folder) if field.name in PATHS and two else two)
        return found

    # --- changes ---

    def set(self, name: str, text: str, *, again: bool = False) -> None:
        """Type `text` into a field; `again` makes one step of it and the typing there since `settle`."""
        typed = {key: value for key, value in self._now.typed.items() if key != name}
        if not self._same(name, text):
            typed[name] = text
        if again and self._typing == name:
            self._now = self._undo.pop()
        self._go(Version(self._now.text, typed), typing=name)

    def set_all(self, texts: Mapping[str, str]) -> None:
        """Type into several fields as one step."""
        typed = {name: text for name, text in self._now.typed.items() if name not in texts}
        typed |= {name: text for name, text in texts.items() if not self._same(name, text)}
        self._go(Version(self._now.text, typed))

    def reset(self, name: str) -> None:
        """Back to the default; a required field goes back to what the text says."""
        field = _field(name)
        self.set(name, self._written(name) if field.required else said(field.default))

    def take(self, text: str) -> None:
        """Another text altogether, as an editor left it; raises Problem where it is no recipe."""
        survey(text, self.path)
        self._go(Version(text))

    def settle(self) -> None:
        """What is typed from here on is a step of its own."""
        self._typing = ""

    def give_up(self, name: str) -> None:
        """Forget what was typed into the field since `settle`."""
        if self._typing == name:
            self.undo()
            self._redo.pop()

    def undo(self) -> None:
        """Back by one change."""
        if self._undo:
            self._redo.append(self._now)
            self._now, self._typing = self._undo.pop(), ""

    def redo(self) -> None:
        """Forth again."""
        if self._redo:
            self._undo.append(self._now)
            self._now, self._typing = self._redo.pop(), ""

    # --- the whole ---

    def text(self) -> str:
        """The recipe's text with what was typed in its place, mistakes included."""
        values: dict[str, object] = {}
        for name, typed in self._now.typed.items():
            try:
                values[name] = parsed(_field(name), typed)
            except Mistake:
                values[name] = typed
        return filled(self._now.text, values, self.path) if values else self._now.text

    def file(self) -> RecipeFile:
        """The recipe, to be run; raises Problem with the first mistake."""
        for name, slip in self.slips().items():
            field = field_named(name)
            label = f"{field.label} (`{name}`)" if field else f"`{name}`"
            raise Problem(f"{label}: {slip.why}.", do=slip.do)
        return RecipeFile(self._recipe(), self.text(), self.path or self._folder / f"{self.name}.yaml")

    def save(self, path: Path | None = None) -> None:
        """Write the recipe, to another file where `path` is given; what is open then is that file.

        Raises:
            Problem: with a mistake in the form, or what keeps the file from being written.
        """
        file = self.file()
        target = path or self.path
        if target is None:
            raise Problem("This recipe has no file yet.", do="W gives it a name.")
        if path is None and _text_or_none(target) not in (self._saved, None):
            raise Problem("The file was changed by another program since it was opened.", where=str(target),
                          do="W saves this draft under another name; o opens the file again.")  # fmt: skip
        text = moved(file, target.parent).text
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
        try:
            atomic.write(target.resolve(), text.encode(), mode)
        except OSError as error:
            raise Problem(
                "The recipe cannot be written.", where=str(target), why=f"{error.strerror or error}."
            ) from error
        self.path, self._folder, self._saved = target.absolute(), target.parent.absolute(), text
        self._go(Version(text))

    def survey(self) -> Survey:
        """What the text says; raises Problem where it is none."""
        if self._survey is None or self._survey[0] != self._now.text:
            self._survey = (self._now.text, survey(self._now.text, self.path))
        return self._survey[1]

    def _checked(self, name: str) -> Any:
        """The field's value; raises Mistake."""
        typed = self._now.typed.get(name)
        field = _field(name)
        if typed is not None:
            return parsed(field, typed)
        found = self.survey()
        if name in found.mistakes:
            problem = found.mistakes[name]
            raise Mistake(problem.what.removeprefix(f"`{name}`: ").rstrip("."), problem.do)
        return found.values.get(name, _default(field))

    def _written(self, name: str) -> str:
        found = self.survey()
        return found.raws.get(name) or said(found.values.get(name, _default(_field(name))))

    def _same(self, name: str, text: str) -> bool:
        """True where `text` says what the recipe's text says already."""
        found = self.survey()
        if name in found.raws:
            return text == found.raws[name]
        field = _field(name)
        if field.required and name not in found.values:
            return not text.strip()
        try:
            return bool(parsed(field, text) == found.values.get(name, _default(field)))
        except Mistake:
            return False

    def _go(self, version: Version, *, typing: str = "") -> None:
        self._typing = ""
        if version != self._now:
            self._undo = [*self._undo[-_UNDOS:], self._now]
            self._typing = typing
        self._now = version
        self._redo.clear()

    def _recipe(self) -> Recipe:
        return Recipe(**{field.name: self.value(field.name) for field in FIELDS})

    def _loose(self) -> RecipeFile:
        """The recipe as far as it is valid, for what needs its paths."""
        required = {"model": self.value("model") or "", "data": self.value("data") or []}
        values = {field.name: self.value(field.name) for field in FIELDS} | required
        return RecipeFile(Recipe(**values), "", self._folder / "recipe.yaml")


def said(value: object) -> str:
    """A value as a person types it; text needs no quotes, empty is the word for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return written([value]) if value.startswith("[") else value
    return written(value)


def _field(name: str) -> Field:
    field = field_named(name)
    assert field is not None, name
    return field


def _default(field: Field) -> Any:
    return None if field.required else field.default


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _text_or_none(path: Path) -> str | None:
    try:
        return text_of(path)
    except Problem:
        return None
