"""How the form groups the recipe's fields: what is needed most comes first, what is rarely needed last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from engine.recipe import FIELDS, Field
from engine.recipe.yaml import SECTIONS
from openlora_tui.draft import Draft


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under one heading."""

    key: str
    title: str
    fields: tuple[Field, ...]


def _sections() -> tuple[Section, ...]:
    first = Section("essential", "Essentials", tuple(f for f in FIELDS if f.level == "essential"))
    last = Section("expert", "Rarely needed", tuple(f for f in FIELDS if f.level == "expert"))
    middle = (
        Section(key, title, tuple(f for f in FIELDS if f.section == key and f.level == "common"))
        for key, title in SECTIONS.items()
    )
    return (first, *middle, last)


FORM: Final = _sections()


def matching(words: list[str]) -> list[Section]:
    """Sections with only the fields whose name, label or help hold all the words."""
    found = []
    for section in FORM:
        fields = tuple(f for f in section.fields if all(word in _searched(f) for word in words))
        if fields:
            found.append(Section(section.key, section.title, fields))
    return found


def meant(section: Section, draft: Draft, asked: str) -> Section:
    """The section without fields that mean nothing to the draft's method; changed ones stay."""
    method = draft.value("method")
    fields = tuple(
        field
        for field in section.fields
        if not field.methods or method in field.methods or field.name == asked or draft.changed(field.name)
    )
    return section if len(fields) == len(section.fields) else replace(section, fields=fields)


def section_of(name: str) -> Section | None:
    """The section in which a field stands."""
    return next((s for s in FORM if any(field.name == name for field in s.fields)), None)


def _searched(field: Field) -> str:
    return f"{field.name} {field.label} {field.help}".lower()
