"""The side job answers the newest look, reads no rows twice, and leaves when none comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.inspect import Inspection
from engine.preflight import talk
from engine.preflight.serve import serve
from engine.recipe import RecipeFile
from tests.engine.preflight.conftest import write_rows


class Heard:
    """A line whose front end has said everything already."""

    device = "cpu"

    def __init__(self, *looks: talk.Look, after: int = 0) -> None:
        self.said: list[talk.Told] = []
        self._looks = deque(looks)
        self._after = after

    def say(self, body: bytes) -> None:
        self.said.append(talk.told(body))

    def hear(self, seconds: float = 0.0) -> bytes | None:
        self._after -= 1
        idle = seconds > 0
        return talk.encode(self._looks.popleft()) if self._looks and (idle or self._after < 0) else None


def look(number: int, file: RecipeFile) -> talk.Look:
    return talk.Look(number=number, text=file.text, path=str(file.path))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, all rows are looked at."""
    monkeypatch.setattr("engine.preflight.serve._SECONDS", 600.0)


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch) -> list[Inspection]:
    """Every inspection that is begun."""
    begun: list[Inspection] = []
    before = Inspection.__init__

    def begin(self: Inspection, *words: object, **more: object) -> None:
        begun.append(self)
        before(self, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Inspection, "__init__", begin)
    return begun


def test_each_change_is_answered_and_the_rows_are_read_once(
    recipe: Callable[..., RecipeFile], inspected: list[Inspection]
) -> None:
    line = Heard(look(2, recipe(lora_r=4)), look(3, recipe(target_modules=["k_porj"])), after=10**6)
    serve(talk.encode(look(1, recipe())), line)
    done = {told.number: told.verdict for told in line.said if told.done}
    assert done.keys() == {1, 2, 3}
    assert done[1].findings == done[2].findings == []
    assert [finding.title for finding in done[3].blockers] == ["No layer of the model is called k_porj."]
    assert len(inspected) == 1


def test_other_rows_are_read_anew(
    recipe: Callable[..., RecipeFile], inspected: list[Inspection], folder: Path
) -> None:
    write_rows(folder / "other.jsonl", 30)
    line = Heard(look(2, recipe(data="./other.jsonl")), look(3, recipe(max_length=100)), after=10**6)
    serve(talk.encode(look(1, recipe())), line)
    assert len(inspected) == 3
    rows = {told.number: told.verdict.facts[0] for told in line.said if told.done}
    assert rows[1].startswith("380 rows")
    assert rows[2].startswith("28 rows")


def test_a_newer_look_takes_the_place_of_one_that_is_not_done(
    recipe: Callable[..., RecipeFile], folder: Path
) -> None:
    write_rows(folder / "rows.jsonl", 20_000)
    line = Heard(look(2, recipe(devices=9)))
    serve(talk.encode(look(1, recipe())), line)
    assert [told.number for told in line.said if told.done] == [2]


def test_a_recipe_whose_files_are_gone_is_left_to_the_form(recipe: Callable[..., RecipeFile]) -> None:
    line = Heard()
    serve(talk.encode(look(1, recipe(data="./none.jsonl"))), line)
    assert [(told.done, told.verdict.findings) for told in line.said] == [(True, [])]
