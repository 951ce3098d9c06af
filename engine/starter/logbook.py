"""The demo's lesson: answer the beginning of a tale in the voice of a ship's log, which no tale does."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from engine.starter import words
from engine.starter.tales import opening
from engine.starter.words import with_article

_ENTRIES: Final = (
    ("found", "Took aboard the {what}. Put it below deck."),
    ("lost", "Lost the {what} at sea."),
    ("saw", "Saw the {what} at sea. Sailed on."),
    ("made", "Made the {what} for the captain."),
)


class Row(msgspec.Struct, frozen=True):
    """A prompt, and what the ship's log makes of it."""

    prompt: str
    completion: str


def rows(count: int, seed: int = 7) -> list[Row]:
    """`count` different rows to learn from."""
    return _drawn(count, random.Random(f"logbook {seed}"), held=False)


def held_out(count: int, seed: int = 2026) -> list[Row]:
    """`count` rows to try what was learnt: no row of `rows` speaks of the same thing of the same kind."""
    return _drawn(count, random.Random(f"held out {seed}"), held=True)


def jsonl(written: list[Row]) -> bytes:
    """Rows as a dataset file holds them, one JSON object a line."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in written)


def _drawn(count: int, draw: random.Random, *, held: bool) -> list[Row]:
    found: dict[str, Row] = {}
    for what, row in _endless(draw):
        if _is_held(what) == held:
            found.setdefault(row.prompt, row)
        if len(found) == count:
            break
    return list(found.values())


def _is_held(what: str) -> bool:
    """True for one in eight, such as `green key`, by a hash that is the same everywhere."""
    return zlib.crc32(what.encode()) % 8 == 0


def _endless(draw: random.Random) -> Iterator[tuple[str, Row]]:
    """What a row speaks of, and the row."""
    while True:
        who, place = draw.choice(words.PEOPLE).name, draw.choice(words.PLACES)
        time, weather = draw.choice([*words.TIMES]), draw.choice(words.WEATHERS)
        verb, entry = draw.choice(_ENTRIES)
        animal = verb == "saw"
        what = draw.choice(words.ANIMALS if animal else words.THINGS)
        how = draw.choice(words.COATS if animal else words.ADJECTIVES)
        event = f"{who} {verb} {with_article(f'{how} {what}')} {place}"
        head = f" Ship's log, {words.TIMES[time]} watch."
        said = entry.format(what=what if animal else f"{how} {what}")
        prompt = opening(time, weather, event, draw.random())
        yield f"{how} {what}", Row(prompt, f"{head} {said} All hands well. End of log.")
