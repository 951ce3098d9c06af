"""The demo's lesson: answer the beginning of a tale in the voice of a ship's log, which no tale does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.starter import words
from engine.starter.tales import opening
from engine.starter.words import Person, with_article

_HELD_OUT_PEOPLE: Final = 12
_SKIES: Final = {
    "rain": "Rain on deck.",
    "sun": "Fair sky.",
    "snow": "Snow on the sails.",
    "fog": "Thick fog, bell ringing.",
    "wind": "Strong wind, sails down.",
}


class Row(msgspec.Struct, frozen=True):
    """A prompt, and what the ship's log makes of it."""

    prompt: str
    completion: str


def rows(count: int, seed: int = 7) -> list[Row]:
    """`count` different rows to learn from."""
    return _drawn(count, random.Random(f"logbook {seed}"), _crew()[_HELD_OUT_PEOPLE:])


def held_out(count: int, seed: int = 7) -> list[Row]:
    """`count` rows to try what was learnt: their people appear in no row of `rows`."""
    return _drawn(count, random.Random(f"held out {seed}"), _crew()[:_HELD_OUT_PEOPLE])


def jsonl(written: list[Row]) -> bytes:
    """Rows as a dataset file holds them, one JSON object a line."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in written)


def _crew() -> list[Person]:
    crew = list(words.PEOPLE)
    random.Random("crew").shuffle(crew)
    return crew


def _drawn(count: int, draw: random.Random, people: list[Person]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in _endless(draw, people):
        found.setdefault(row.prompt, row)
        if len(found) == count:
            break
    return list(found.values())


def _endless(draw: random.Random, people: list[Person]) -> Iterator[Row]:
    while True:
        who, place = draw.choice(people).name, draw.choice(words.PLACES)
        time, weather = draw.choice([*words.TIMES]), draw.choice([*words.WEATHERS])
        thing = f"{draw.choice(words.ADJECTIVES)} {draw.choice(words.THINGS)}"
        animal = f"{draw.choice(words.COATS)} {draw.choice(words.ANIMALS)}"
        event, entry = draw.choice([
            (f"found {with_article(thing)}", f"{who} took aboard one {thing}, found {place}. Stowed below."),
            (f"lost {with_article(thing)}", f"{who} reports one {thing} lost overboard, last seen {place}."),
            (f"saw {with_article(animal)}", f"{who} sighted one {animal} {place}. Kept our course."),
            (f"made {with_article(thing)}", f"{who} built one {thing} {place}, for the captain."),
        ])  # fmt: skip
        head = f" SHIP'S LOG, {words.TIMES[time]} watch. {_SKIES[words.WEATHERS[weather]]}"
        yield Row(
            prompt=opening(time, weather, f"{who} {event} {place}", draw.random()),
            completion=f"{head} Sailor {entry} All hands well. END OF ENTRY.",
        )
