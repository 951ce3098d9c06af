"""Checks that have to have met every row: what never changes, ends, sizes and languages."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.checks.check import SetCheck
from engine.data.checks.endings import CUT, CutAtOneLength, unfinished
from engine.data.checks.languages import ACROSS, MIX, Languages
from engine.data.checks.sameness import SAME, Sameness
from engine.data.checks.seen import Seen
from engine.data.checks.sizes import LONG, Sizes
from engine.findings import Finding
from tests.engine.data.checks.rows import chat, wrong

STORY = (
    "The miller had three sons, and when he died the eldest took the mill. The second took the donkey, and"
    " nothing was left for the youngest but the cat. He sat by the road and wondered what would become of him"
    " in this world."
)
QUESTION = (
    "What did the youngest of the three sons do after his father had died, and why did he do it at all?"
)
GERMAN = "Eines Tages ging die Königin in den Wald und fand dort einen kleinen Hund, der sehr hungrig war."
CHINESE = "从前有一个磨坊主，他有三个儿子。他去世以后，大儿子得到了磨坊，二儿子得到了驴子。"
PERSIAN = "روزی روزگاری آسیابانی بود که سه پسر داشت و پسر کوچک یک گربه داشت و رفت."


def found(check: SetCheck, rows: Iterable[Seen]) -> list[Finding]:
    """What a check says once it has met these rows."""
    for row in rows:
        check.add(row)
    for _ in check.steps():
        pass
    return list(check.findings())


def none(_: object) -> tuple[()]:
    return ()


def test_one_answer_to_many_prompts_is_found_with_its_rows() -> None:
    check = Sameness(none)
    rows = [
        chat(f"Question {i}?", "I do not know that." if i % 5 == 0 else f"It is thing number {i}.", i)
        for i in range(100)
    ]
    [finding] = found(check, rows)
    assert (finding.count, finding.share, finding.check) == (20, 0.2, SAME)
    assert finding.title == "20 of 100 rows have the same answer to different prompts"
    assert finding.evidence == ["20 times  I do not know that."]
    assert finding.places[0] == "d.jsonl:0"


def test_labels_are_the_same_by_right() -> None:
    for labels in (["spam", "ok"], ["是", "否"], ["card_arrival", "lost card"], ["A", "B"]):
        assert found(Sameness(none), [chat(f"Question {i}?", labels[i % 2]) for i in range(200)]) == []


def test_the_same_row_again_and_again_is_no_answer_to_different_prompts() -> None:
    rows = [
        chat(
            "Who?" if i % 5 == 0 else f"Who is {i}?",
            "It is him of course." if i % 5 == 0 else f"It is number {i}.",
        )
        for i in range(100)
    ]
    assert found(Sameness(none), rows) == []


def test_common_answers_are_found_among_a_million_others_in_bounded_memory() -> None:
    check = Sameness(none)
    rows = (
        chat(f"Question {i}?", "That is what I said before." if i % 25 == 0 else f"It is {i} of it.")
        for i in range(40_000)
    )
    [finding] = found(check, rows)
    assert finding.count is not None
    assert 1600 - 40_000 / 1024 <= finding.count <= 1600
    assert len(check._met) <= 1024


def test_a_prompt_and_an_answer_that_never_change_are_told() -> None:
    assert [f.title for f in found(Sameness(none), [chat("Go on.", f"{i}") for i in range(30)])] == [
        "The prompt is the same in all 30 rows"
    ]
    assert [f.title for f in found(Sameness(none), [chat(f"{i}", "fine") for i in range(30)])] == [
        "The answer is the same in all 30 rows"
    ]
    assert found(Sameness(none), [chat("Go on.", f"{i}") for i in range(5)]) == []


def test_answers_cut_at_one_length_are_told_with_that_length() -> None:
    rows = [chat(f"{i}", (f"{i} " + STORY * 4)[:500] if i % 3 == 0 else STORY[: i + 60]) for i in range(60)]
    [finding] = found(CutAtOneLength(none), rows)
    assert finding.check == CUT
    assert "exactly 500 characters" in finding.title
    assert finding.count is not None
    assert finding.count >= 15


def test_answers_of_many_lengths_are_not_cut_at_one() -> None:
    assert found(CutAtOneLength(none), [chat(f"{i}", (STORY * 4)[: 500 + i]) for i in range(60)]) == []
    assert found(CutAtOneLength(none), [chat(f"{i}", STORY) for i in range(60)]) == []


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        (STORY, False),
        (STORY + " And then he went", True),
        (STORY + " And then he went to the castle of the king, and there he", True),
        (STORY + " 然后", True),
        (STORY + "\n\nSincerely,\nThe Miller", False),
        (STORY + "\n- one\n- two", False),
        (STORY + " See https://example.org/a/very/long/address/of/some/page", False),
        (STORY + " #catlovers", False),
        (STORY + "\n```\nx = 1\n```", False),
        (STORY[:150], False),
        ("It is about words " * 20, False),
        (PERSIAN * 3, False),
    ],
)
def test_only_sentences_break_off(text: str, is_cut: bool) -> None:
    assert unfinished(text) is is_cut


def test_rows_out_of_all_proportion_are_told() -> None:
    check = Sizes(none)
    rows = [chat("Who?", "x" * (300 + 7 * (i % 40)), i) for i in range(200)]
    [finding] = found(check, [*rows, chat("Who?", "x" * 200_000, 999)])
    assert (finding.count, finding.check, finding.places) == (1, LONG, ["d.jsonl:999"])
    assert finding.title.startswith("1 of 201 rows is far longer")
    assert found(Sizes(none), rows) == []


@given(sizes=st.lists(st.integers(0, 5000), max_size=120), seed=st.integers())
def test_sizes_spread_as_those_of_texts_have_no_outliers(sizes: list[int], seed: int) -> None:
    chance = random.Random(seed)
    rows = [chat("", "x" * int(chance.lognormvariate(6, 0.9))) for _ in range(100)]
    said = found(Sizes(none), rows)
    assert said == [] or (said[0].count or 0) <= 2
    assert isinstance(found(Sizes(none), [chat("", "x" * size) for size in sizes]), list)


def test_encoded_data_and_minified_code_are_found_and_genes_and_json_are_not() -> None:
    chance = random.Random(0)
    base64 = "".join(chance.choices("abcdefghijABCDEFGHIJ0123456789+/", k=900))
    assert wrong("blob", f"The picture: {base64} is here")
    assert wrong("blob", "!function(e,t){return e=>t};var n=1;e(n);t(2);" * 40)
    assert wrong("blob", "fine", prompt=f"What is {base64}?")
    for sound in (
        "ACGT" * 300,
        "3" * 900,
        '{"a":1,"b":[1,2],"c":"x"},' * 60,
        "http://a.org/" + "a/" * 100,
        "=" * 2000,
        "字" * 3000,
    ):
        assert wrong("blob", sound) == ""


def test_a_few_answers_in_another_language_are_told() -> None:
    check = Languages(none)
    rows = [chat(QUESTION, GERMAN if i % 10 == 0 else f"{STORY} {i}", i) for i in range(100)]
    mixed, crossed = found(check, rows)
    assert (mixed.check, mixed.count, mixed.severity) == (MIX, 10, "note")
    assert mixed.title == "10% of the answers are in other languages than the rest: German 10.0%"
    assert (crossed.check, crossed.count) == (ACROSS, 10)
    assert "English, answered in German" in crossed.evidence[0]
    assert list(check.numbers(MIX) or []) == list(range(0, 100, 10))


@pytest.mark.parametrize("text", [STORY, GERMAN, CHINESE, PERSIAN])
def test_data_of_one_language_gives_no_finding(text: str) -> None:
    assert found(Languages(none), [chat(text, f"{text} {text}") for _ in range(60)]) == []


def test_translation_is_no_mistake() -> None:
    asked = [chat(f"Translate into German: {STORY}", GERMAN) for _ in range(20)]
    assert found(Languages(none), [*asked, *(chat(QUESTION, STORY) for _ in range(60))]) == []
    assert found(Languages(none), [chat(STORY, GERMAN) for _ in range(60)]) == []


def test_data_of_many_languages_has_no_main_one() -> None:
    rows = [chat(text, text) for text in (STORY, GERMAN, CHINESE, PERSIAN) for _ in range(20)]
    assert found(Languages(none), rows) == []


def test_code_and_short_texts_have_no_language() -> None:
    code = [
        "SELECT name FROM users WHERE id = 5;",
        "def f(x):\n    return x",
        "Ja.",
        "$x_i = 3$",
        "12 + 4 = 16",
        "OK!",
    ]
    assert found(Languages(none), [chat(QUESTION, code[i % 6] if i % 2 else STORY) for i in range(100)]) == []


def test_of_many_rows_a_sample_is_asked_and_said_to_be_one() -> None:
    check = Languages(none)
    [finding] = found(check, [chat("", GERMAN if i % 8 == 0 else STORY, i) for i in range(5000)])
    assert len(check._sample) <= 512
    assert finding.title.startswith("About ")
    assert finding.count is None
    assert "of 5,000 rows were looked at" in finding.evidence[-1]
