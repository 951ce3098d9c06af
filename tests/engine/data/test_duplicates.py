"""Equal rows and nearly equal ones are counted as a comparison of every pair would count them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.inspect import Inspection
from engine.data.likeness.shingles import shingled
from engine.data.likeness.similar import SIMILAR, WIDTH, Similar
from engine.inspection.report import Report


def inspected(folder: Path, rows: Sequence[object]) -> Report:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([file])
    list(inspection.steps())
    return inspection.report()


def beyond(texts: Sequence[str]) -> set[int]:
    similar = Similar()
    for number, text in enumerate(texts):
        similar.add(number, text)
    return similar.beyond_first(lambda wanted: ((number, texts[number]) for number in wanted))


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def grams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + WIDTH]) for at in range(max(len(found) - WIDTH + 1, bool(found)))}


def extra(texts: Sequence[str], least: float) -> int:
    """Texts beyond the first of each chain of similar ones, by comparing every pair."""
    sets = [grams(text) for text in texts]
    group = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        if sets[one] and len(sets[one] & sets[other]) >= least * len(sets[one] | sets[other]):
            old, new = group[one], group[other]
            group = [new if each == old else each for each in group]
    some = [each for each, found in zip(group, sets, strict=True) if found]
    return len(some) - len(set(some))


WORDS = ["the", "river", "runs", "slowly", "Mills", "und", "Wälder;", "1,5", "—", "größer,"]
WORD = st.sampled_from(WORDS)
TEXT = st.lists(WORD, max_size=24).map(" ".join)


@st.composite
def varied(draw: st.DrawFn) -> list[str]:
    """Texts of which some are others with words taken out, put in, or written otherwise."""
    texts = draw(st.lists(TEXT, min_size=1, max_size=8))
    for _ in range(draw(st.integers(0, 8))):
        found = draw(st.sampled_from(texts)).split()
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(found)))
            found[at : at + draw(st.integers(0, 1))] = draw(st.lists(WORD, max_size=1))
        texts.append(draw(st.sampled_from([" ", "  ", ", "])).join(found))
    return texts


@settings(deadline=None, max_examples=300)
@given(texts=varied(), seed=st.integers(0, 9))
def test_similar_texts_are_those_that_a_comparison_of_every_pair_finds(texts: list[str], seed: int) -> None:
    found = beyond(texts)
    # Of pairs at the very threshold hashes lose one in thirteen, of those above 0.95 one in five million.
    assert extra(texts, 0.95) <= len(found) <= extra(texts, SIMILAR)
    shuffled = list(texts)
    random.Random(seed).shuffle(shuffled)
    assert len(beyond(shuffled)) == len(found)


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=40), max_size=12), width=st.integers(1, 13))
def test_any_texts_have_n_grams_of_their_own_words(texts: list[str], width: int) -> None:
    together = shingled(texts, width)
    assert len(together.offsets) == len(texts) + 1
    assert together.offsets[-1] == len(together.hashes)
    for at, text in enumerate(texts):
        alone = shingled([text], width)
        assert alone.of(0).tolist() == together.of(at).tolist()
        assert alone.texts[0] == together.texts[at]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The cat sat on the mat.", "the cat, sat on the MAT"),
        ("Grüße aus KÖLN", "grüße aus köln!"),
        ("今天天气很好，我们去公园玩吧。", "今天天气很好 我们去公园玩吧"),
        ("วันนี้อากาศดีมาก", "วันนี้ อากาศดีมาก"),
        ("می‌خواهم بروم", "می‌خواهم، بروم"),
    ],
)
def test_case_and_punctuation_are_of_no_matter_in_any_script(one: str, other: str) -> None:
    assert beyond([one, other]) == {1}
    assert beyond([one, other + " and something else entirely"]) == set()


def test_languages_without_spaces_are_compared_by_characters() -> None:
    long = "人工智能正在改变我们的生活方式，从医疗到教育，从交通到娱乐，几乎所有的行业都受到了它的影响。"
    assert beyond([long, long.replace("娱乐", "游戏")]) == set()
    assert beyond([long * 3, long * 2 + long.replace("娱乐", "游戏")]) == {1}


def test_what_most_rows_share_is_no_likeness() -> None:
    template = " ".join(f"choose label{n} where it fits" for n in range(60))
    questions = [" ".join(random.Random(n).choices("abcdefghijklmnop", k=12)) for n in range(80)]
    texts = [f"{template} {question}" for question in questions]
    assert beyond(texts) == set()
    assert beyond([*texts, texts[7] + "!"]) == {80}


def test_equal_rows_and_near_ones_are_told_apart_with_their_places(tmp_path: Path) -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    rows: list[object] = [
        {"prompt": text, "completion": "yes"},
        {"completion": "yes", "prompt": text},
        {"prompt": text.upper(), "completion": "yes."},
        {"prompt": "something else", "completion": "no"},
        {"prompt": "something else", "completion": ""},
        {"prompt": "something else", "completion": ""},
    ]
    report = inspected(tmp_path, rows)
    assert (report.exact_duplicates, report.near_duplicates) == (2, 1)
    exact, near = (f for f in report.findings(64) if f.category == "duplicates")
    assert exact.evidence == [
        f"{tmp_path}/rows.jsonl:2 = {tmp_path}/rows.jsonl:1",
        f"{tmp_path}/rows.jsonl:6 = {tmp_path}/rows.jsonl:5",
    ]
    assert near.evidence == [f"{tmp_path}/rows.jsonl:3 ≈ {tmp_path}/rows.jsonl:1"]
    assert (exact.count, exact.share, near.count) == (2, 2 / 6, 1)
    assert exact.patch is not None
    assert near.patch is not None
    assert (exact.patch.data, near.patch.data) == (["dedup"], ["near_dedup"])


@settings(deadline=None, max_examples=8)
@given(texts=varied(), seed=st.integers(0, 9))
def test_the_counts_of_a_file_are_those_of_its_rows_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    rows = [{"text": text} for text in texts]
    report = inspected(folder, rows)
    random.Random(seed).shuffle(rows)
    other = inspected(folder, rows)
    assert report.exact_duplicates == len(texts) - len(set(texts))
    assert (report.exact_duplicates, report.near_duplicates) == (
        other.exact_duplicates,
        other.near_duplicates,
    )
