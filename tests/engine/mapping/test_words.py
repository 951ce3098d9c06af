"""The words of a mapping: paths, templates and conditions, each strict, none of them code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.check import Misfit, mapping_of, unknown_column
from engine.mapping.condition import Condition
from engine.mapping.mapping import plain
from engine.mapping.path import MISSING, said, value_at
from engine.mapping.template import Misspelt, Template

ROW = {
    "title": "Printer",
    "body": "",
    "a.b": "dotted",
    "user": {"Name": "Anna", "tags": ["x", "y"]},
    "score": "3.0",
    "solved": True,
    "log": [{"said": "hi"}, {"said": "ho"}],
    "json": '{"deep": {"er": 1}}',
}


def text(path: str) -> str:
    return said(value_at(ROW, path))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Title", "Printer"),
        ("a.b", "dotted"),
        ("user.name", "Anna"),
        ("user.tags", "x, y"),
        ("user.tags.1", "y"),
        ("log.said", "hi, ho"),
        ("log.1.said", "ho"),
        ("json.deep.er", "1"),
        ("solved", "true"),
        ("nobody", ""),
        ("user.tags.9", ""),
        ("title.inner", ""),
    ],
)
def test_a_path_names_a_column_or_what_is_inside_one(path: str, found: str) -> None:
    assert text(path) == found


def test_an_empty_column_leaves_no_gap_where_it_stood() -> None:
    template = Template("{title}\n\nBody: {body}\n{body} {body}\n\n{{not a column}} {score}")
    assert template.filled(text) == "Printer\n\n{not a column} 3.0"
    assert template.paths == ["title", "body", "body", "body", "score"]
    assert Template("no column at all").filled(text) == "no column at all"


@pytest.mark.parametrize("wrong", ["{title", "title}", "{}", "{ }", "{a\nb}"])
def test_a_template_without_its_other_brace_is_refused(wrong: str) -> None:
    with pytest.raises(Misspelt):
        Template(wrong)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("title == Printer", True),
        ("title = 'printer'", False),
        ("title contains PRINT", True),
        ("title not contains print", False),
        ("score == 3 and score >= 2.5", True),
        ("score < 10", True),
        ("title > 3", False),
        ("solved == true", True),
        ("user.name in [Anna, Ben]", True),
        ("user.name not in ['Ben']", True),
        ("body is empty and title is not empty", True),
        ("nobody is empty", True),
        ("nobody < 3 or nobody > 3", False),
        ("not (title == x or body is not empty)", True),
        ("{user.tags} contains y", True),
        ("title == x or title == Printer and body is not empty", False),
    ],
)
def test_a_condition_compares_columns_with_words_and_numbers(condition: str, holds: bool) -> None:
    assert Condition(condition).holds(lambda path: value_at(ROW, path)) is holds


@pytest.mark.parametrize(
    "wrong",
    ["", "title", "title ==", "title = = x", "(title == x", "title == x)", "title in x", "title is full",
     "title == a b", "== x", "__import__('os').system('x')", "(" * 40 + "a == b" + ")" * 40],
)  # fmt: skip
def test_what_is_no_condition_is_refused(wrong: str) -> None:
    with pytest.raises(Misspelt):
        Condition(wrong)


@given(st.text(max_size=60), st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3))
def test_no_text_crashes_a_template_or_a_condition(written: str, row: dict[str, str]) -> None:
    for make in (Template, Condition):
        try:
            made = make(written)
        except Misspelt:
            continue
        if isinstance(made, Template):
            made.filled(lambda path: said(value_at(row, path)))
        else:
            made.holds(lambda path: value_at(row, path))


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text(max_size=20), min_size=1, max_size=4))
def test_a_template_keeps_every_text_that_it_names(row: dict[str, str]) -> None:
    filled = Template("\n".join(f"<{{{name}}}>" for name in row)).filled(
        lambda path: said(value_at(row, path))
    )
    for value in row.values():
        assert not value.strip() or f"<{value}>" in filled


@pytest.mark.parametrize(
    ("raw", "at", "words"),
    [
        ({"qestion": "x"}, "qestion", "question"),
        ({"question": "{a}"}, "answer", "missing"),
        ({"question": "{a", "answer": "b"}, "question", "closed"),
        ({"question": 3, "answer": "b"}, "question", "str"),
        ({"filter": ["a == b", "a =="]}, "filter.1", "value"),
        ({"group_by": "t"}, "content", "missing"),
        ({"turns": "t", "content": "m", "role_column": "r", "roles": {"x": "asistant"}}, "roles.x", "role"),
        ({"messages": [{"role": "user", "content": "{a}"}]}, "messages", "learnt"),
        ({"messages": [{"role": "user", "contents": "{a}"}]}, "messages[0]", "contents"),
        ({"text": "{a}", "question": "{a}", "answer": "{b}"}, "question", "together"),
        ({"text": "{a}", "system": "be"}, "system", "together"),
        ({"order_by": "a", "text": "{a}"}, "order_by", "group_by"),
        ({"strip": ["htm"]}, "strip[0]", "htm"),
        ({"each": "list"}, "each", "composed"),
        ([], "", "list"),
        (None, "", "list"),
    ],
)  # fmt: skip
def test_what_is_no_mapping_is_refused_with_the_place(raw: Any, at: str, words: str) -> None:
    with pytest.raises(Misfit) as caught:
        mapping_of(raw)
    assert caught.value.at == at
    assert words in f"{caught.value.why} {caught.value.do}"


def test_a_column_that_is_not_there_is_told_with_the_nearest_one() -> None:
    mapping = mapping_of({"question": "{frgae}", "answer": "{antwort}", "filter": "sprache == de"})
    wrong = unknown_column(mapping, {"frage", "antwort", "sprache"})
    assert wrong is not None
    assert (wrong.at, wrong.do) == ("question", "Did you mean `frage`?")
    assert unknown_column(mapping_of({"filter": "Sprache == de"}), {"sprache"}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["question", "answer", "messages", "filter", "group_by", "labels", "roles", "strip"])


@given(JSON | st.dictionaries(NAMES, JSON, max_size=4))
def test_whatever_is_written_is_a_mapping_or_a_misfit(raw: Any) -> None:
    try:
        mapping = mapping_of(raw)
    except Misfit:
        return
    assert mapping_of(plain(mapping)) == mapping


def test_missing_is_told_from_empty() -> None:
    assert value_at({"a": None}, "a") is None
    assert value_at({"a": None}, "b") is MISSING
