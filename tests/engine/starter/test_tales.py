"""The schoolbook and the lesson: the same by the same seed, varied, and held out what is shown."""

from __future__ import annotations

import json
import re
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.read.rows import read_rows
from engine.data.shapes import Pair, example_of, fitting
from engine.starter.lesson import BUNDLED, PROMPTS
from engine.starter.logbook import held_out, jsonl, rows
from engine.starter.tales import Teller

seeds = st.integers(0, 2**32 - 1)


def tales(seed: int, count: int) -> list[str]:
    return list(islice(Teller(seed).tales(), count))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_same_seed_same_tales_and_hardly_one_twice(seed: int) -> None:
    told = tales(seed, 60)
    assert told == tales(seed, 60)
    assert len(set(told)) > 55
    assert told != tales(seed + 1, 60)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_tales_are_sentences(seed: int) -> None:
    for tale in tales(seed, 40):
        assert tale[0].isupper() or tale[0] == '"'
        assert tale[-1] in '."', tale
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  |\n| ,|\.\.", tale), tale
        assert tale.count('"') % 2 == 0, tale


def test_the_bundled_rows_are_what_the_generator_writes() -> None:
    lines = BUNDLED.read_bytes().splitlines()
    assert BUNDLED.read_bytes() == jsonl(rows(len(lines)))
    assert 200 <= len(lines) <= 2000
    for row in read_rows(BUNDLED):
        assert fitting(row.values) == ["prompt_completion"]
        assert isinstance(example_of(row, "prompt_completion"), Pair)


def test_held_out_prompts_speak_of_what_is_in_no_row() -> None:
    trained = [json.loads(line) for line in BUNDLED.read_text().splitlines()]
    prompts = {row["prompt"] for row in trained}
    pairs = {_pair(row["prompt"]) for row in trained}
    for row in held_out(50):
        assert row.prompt not in prompts
        assert _pair(row.prompt) not in pairs
    assert len({row.prompt for row in held_out(PROMPTS)}) == PROMPTS


def _pair(prompt: str) -> tuple[str, str]:
    found = re.search(r" (?:found|lost|saw|made) an? (\w+) (\w+)", prompt)
    assert found is not None
    return found[1], found[2]


def test_no_tale_speaks_like_the_log() -> None:
    assert not any("Ship's log" in tale or "End of log" in tale for tale in tales(3, 500))
