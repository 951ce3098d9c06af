"""Cleaned text cannot steer a terminal, and ordinary text stays as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import clean, one_line

BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
HOSTILE = st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\t\x07\x7f\u202e\ud800\u200b\ufeff[]m"))


@given(HOSTILE)
def test_cleaned_text_holds_nothing_that_steers_a_terminal(text: str) -> None:
    for char in clean(text):
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert char not in BIDI


@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(HOSTILE, st.integers(1, 50))
def test_one_line_is_one_line_and_obeys_its_width(text: str, width: int) -> None:
    whole, cut = one_line(text), one_line(text, width)
    assert len(cut.splitlines()) <= 1
    assert "\t" not in cut
    assert len(cut) <= width
    assert cut == whole if len(whole) <= width else cut.endswith("…")


@pytest.mark.parametrize(
    "text",
    [
        "plain words, [brackets] and 100 %\n\tindented",
        "نامه\u200cها و می\u200cخواهم",
        "क्\u200dष और क्ष",
        "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈",
        "Grüße, naïve café, 日本語, عربي, עברית",
        "e\u0301 combining",
    ],
)
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_what_was_cut_out_stays_visible() -> None:
    assert clean("\x1b[31mred\x07\x00\r\nnext") == "␛[31mred␇␀\nnext"
    assert clean("a\x7f\x9b\u202eb") == "a␡��b"
