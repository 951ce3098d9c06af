"""A recipe that nothing is wrong with, and a way to check it with something changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.findings import Finding
from engine.preflight.check import Preflight
from engine.preflight.verdict import Verdict
from engine.recipe import RecipeFile, parse
from tests.engine.preflight.making import model

WORDS = (
    "river",
    "stone",
    "lamp",
    "garden",
    "winter",
    "copper",
    "violin",
    "harbour",
    "candle",
    "meadow",
    "signal",
)

Check = Callable[..., Verdict]


def answer(number: int) -> str:
    """A sentence that no other number has."""
    chosen = [WORDS[(number // len(WORDS) ** place + place * 3) % len(WORDS)] for place in range(4)]
    return (
        f"The {chosen[0]} by the {chosen[1]} has {number + 3} parts of {chosen[2]}, and one of {chosen[3]}."
    )


def write_rows(path: Path, count: int = 400) -> Path:
    """Rows that nothing is wrong with."""
    rows = [{"prompt": f"Tell me of number {i}, please.", "completion": answer(i)} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model and rows."""
    model(tmp_path / "model")
    write_rows(tmp_path / "rows.jsonl")
    return tmp_path


@pytest.fixture
def recipe(folder: Path) -> Callable[..., RecipeFile]:
    """The recipe in the folder; keywords are its other fields."""

    def made(**fields: Any) -> RecipeFile:
        values = {"model": "./model", "data": "./rows.jsonl", "max_length": 256} | fields
        text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items())
        return parse(text, folder / "recipe.yaml")

    return made


@pytest.fixture
def check(recipe: Callable[..., RecipeFile]) -> Check:
    """The verdict on the recipe with some fields changed; the rows are looked at too."""

    def checked(**fields: Any) -> Verdict:
        preflight = Preflight(recipe(**fields))
        for _ in preflight.steps():
            pass
        return preflight.verdict()

    return checked


def only(verdict: Verdict, category: str) -> Finding:
    """The finding of that category; there is one."""
    found = [finding for finding in verdict.findings if finding.category == category]
    assert len(found) == 1, verdict.findings
    return found[0]
