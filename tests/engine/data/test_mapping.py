"""A mapping makes rows of any columns: composed, filtered, grouped, stripped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import ModelTokenizer, prepare
from engine.data.examples import Examples
from engine.data.inspect import Inspection
from engine.data.mapping.group import MOST_TURNS
from engine.data.mapping.order import order_of
from engine.data.mapping.preview import preview, proposed
from engine.data.mapping.strip import html, quoted_replies, signatures
from engine.data.outlook import counted
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.data.serve import serve
from engine.data.shapes import Chat, Document, Example, Pair
from engine.inspection import talk
from engine.line import Gone
from engine.mapping.check import Misfit, mapping_of
from engine.recipe import Recipe, override, parse
from engine.sources.resolve import resolve
from tests.engine.data.test_inspect import FakeLine

Make = Callable[..., ModelTokenizer]


def read(mapping: dict[str, Any], rows: list[dict[str, Any]]) -> list[Example | Refusal | None]:
    made = (Row("f.jsonl", line, values) for line, values in enumerate(rows, 1))
    return [example for _, example in Examples("auto", mapping_of(mapping)).all(made)]


def spoken(example: object) -> list[tuple[str, str]]:
    assert isinstance(example, Chat), example
    return [(turn["role"], turn["content"]) for turn in example.messages]


TITLED = [{"title": "T", "body": "<p>B &amp; C</p>", "reply": {"text": "A"}, "lang": "en", "votes": "3"}]


def test_columns_are_composed_and_stripped() -> None:
    mapping = {
        "question": "{title}\n\n{body}",
        "answer": "{reply.text}",
        "system": "be kind",
        "strip": ["html"],
    }
    [example] = read(mapping, TITLED)
    assert spoken(example) == [("system", "be kind"), ("user", "T\n\nB & C"), ("assistant", "A")]


def test_a_pair_stays_as_it_is_and_becomes_turns_with_a_system_text() -> None:
    mapping = {"prompt": "{title}: ", "completion": "{reply.text}"}
    assert read(mapping, TITLED) == [Pair("T: ", "A")]
    [example] = read({**mapping, "system": "S"}, TITLED)
    assert spoken(example) == [("system", "S"), ("user", "T: "), ("assistant", "A")]
    assert read({"text": "{title} {lang}"}, TITLED) == [Document("T en")]


def test_turns_are_composed() -> None:
    turns = [
        {"role": "user", "content": "{title}"},
        {"role": "assistant", "content": "{reply.text}"},
        {"role": "user", "content": "{nothing.there}"},
    ]
    with pytest.raises(Misfit):
        mapping_of({"messages": [{"role": "robot", "content": "x"}]})
    [example] = read({"messages": turns[:2]}, TITLED)
    assert spoken(example) == [("user", "T"), ("assistant", "A")]
    [refused] = read({"messages": turns}, TITLED)
    assert isinstance(refused, Refusal)
    assert "`mapping.messages.2.content`" in refused.what


def test_a_filter_alone_keeps_the_shape(tmp_path: Path) -> None:
    rows = [{"question": "Q", "answer": "A", "lang": lang} for lang in ("en", "de", "en")]
    assert len(read({"filter": "lang == en"}, rows)) == 2
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([path], mapping=mapping_of({"filter": ["lang == en", "answer is not empty"]}))
    list(inspection.steps())
    report = inspection.report()
    assert (report.rows, report.examples) == (3, 2)
    assert any(f.title == "1 of 3 rows are kept out by mapping.filter" for f in report.findings(64))


def test_labels_name_the_numbers_of_classes_and_one_without_a_name_is_refused() -> None:
    rows = [{"text": "Q", "label": label} for label in (0, "1", 1.0, 2)]
    for mapping in (
        {"labels": ["bad", "good"]},
        {"question": "{text}", "answer": "{label}", "labels": {0: "bad", 1: "good"}},
    ):
        *named, odd = read(mapping, rows)
        assert [spoken(example)[1][1] for example in named] == ["bad", "good", "good"]
        assert isinstance(odd, Refusal)
        assert "'2'" in odd.what


def test_lists_inside_rows_become_examples_or_turns() -> None:
    rows = [{"task": "Add", "cases": [{"in": "1 1", "out": 2}, {"in": "2 2", "out": 4}]}]
    made = read({"each": "cases", "question": "{task}\n{cases.in}", "answer": "{cases.out}"}, rows)
    assert [spoken(example) for example in made] == [
        [("user", "Add\n1 1"), ("assistant", "2")], [("user", "Add\n2 2"), ("assistant", "4")]
    ]  # fmt: skip
    [talk] = read({"turns": "said", "content": "{said}"}, [{"said": ["hi", "ho", "hi again"]}])
    assert spoken(talk) == [("user", "hi"), ("assistant", "ho"), ("user", "hi again")]
    columns = {"log": {"who": ["Kunde", "Agent", "Agent"], "what": ["a", "b", "c"]}}
    mapping = {"turns": "log", "role_column": "log.who", "content": "{log.what}"}
    for row in (
        columns,
        {"log": json.dumps([{"who": "Kunde", "what": "a"}, {"who": "Agent", "what": "b\n\nc"}])},
    ):
        [talk] = read(mapping, [row])
        assert spoken(talk) == [("user", "a"), ("assistant", "b\n\nc")]
    [refused] = read(mapping, [{"log": 7}])
    assert isinstance(refused, Refusal)


CHAT = {"group_by": "t", "order_by": "at", "role_column": "who", "content": "{said}",
        "roles": {"bot": "assistant", "note": "skip", "*": "user"}}  # fmt: skip
SAID = [
    {"t": "x", "at": 2, "who": "bot", "said": "hello"},
    {"t": "y", "at": 1, "who": "ann", "said": "ping"},
    {"t": "x", "at": 1, "who": "ben", "said": "hi"},
    {"t": "x", "at": 3, "who": "note", "said": "secret"},
    {"t": "y", "at": 10, "who": "bot", "said": "pong"},
    {"t": "y", "at": 9, "who": "ann", "said": "ping!"},
    {"t": "", "at": 1, "who": "ann", "said": "alone"},
]


def test_rows_are_gathered_into_conversations_in_the_order_of_their_first_rows() -> None:
    first, second, alone = read(CHAT, SAID)
    assert spoken(first) == [("user", "hi"), ("assistant", "hello")]
    assert spoken(second) == [("user", "ping\n\nping!"), ("assistant", "pong")]
    assert alone is None, "nothing is answered"


def test_the_inspection_counts_rows_and_conversations_and_shows_any_rows_conversation(
    tokenizer: Make, tmp_path: Path
) -> None:
    plain = tokenizer()
    path = tmp_path / "chat.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in SAID))
    inspection = Inspection([path], plain, mapping=mapping_of(CHAT))
    list(inspection.steps())
    report = inspection.report()
    assert (report.rows, report.examples, len(report.losses.empty)) == (7, 2, 1)
    assert report.shapes == {"messages": 3}
    assert report.losses.empty.first == [f"{path}:7"]
    for row in (0, 2, 3):
        text = "".join(piece.text for piece in inspection.show(row, 64).pieces)
        assert "hi" in text
        assert "hello" in text
    recipe = Recipe(model="m", data=str(path), mapping=mapping_of(CHAT), eval_split=0.0)
    data = prepare(recipe, plain).train
    assert len(data) == report.tokenised == 2
    assert sum(len(data.row(i)[0]) for i in range(2)) == report.lengths.total
    assert counted(resolve([str(path)]), recipe).rows == 3


def test_half_a_character_spoils_its_row_alone() -> None:
    rows = [{"t": "x", "said": "hi"}, {"t": "x", "said": "half \ud83d"}, {"t": "x", "said": "ho"}]
    refused, talk = read({"group_by": "t", "content": "{said}"}, rows)
    assert isinstance(refused, Refusal)
    assert refused.where == "f.jsonl:2"
    assert spoken(talk) == [("user", "hi"), ("assistant", "ho")]


def test_a_column_that_all_rows_share_is_no_conversation() -> None:
    rows = [{"t": "x", "said": str(number)} for number in range(MOST_TURNS + 1)]
    [refused] = read({"group_by": "t", "content": "{said}"}, rows)
    assert isinstance(refused, Refusal)
    assert "group_by" in refused.do


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=30))
def test_gathering_loses_and_doubles_no_turn(turns: list[tuple[int, int]]) -> None:
    rows = [{"t": f"t{talk}", "at": at, "said": f"<{n}>", "who": "bot"} for n, (talk, at) in enumerate(turns)]
    made = read({"group_by": "t", "order_by": "at", "role_column": "who", "content": "{said}"}, rows)
    texts = [spoken(example)[0][1].split("\n\n") for example in made]
    assert sorted(word for said in texts for word in said) == sorted(row["said"] for row in rows)
    for said in texts:
        places = [turns[int(word.strip("<>"))] for word in said]
        assert len({group for group, _ in places}) == 1
        assert [at for _, at in places] == sorted(at for _, at in places)


@pytest.mark.parametrize(
    "ordered",
    [
        ["2", "10", "11.5"],
        ["2024-03-01T10:00", "2024-03-01T10:00:01", "2024-11-01"],
        ["1.2.2024 09:00", "02.02.2024 08:00", "01.03.2024"],
        ["Tue Oct 31 22:10:47 +0000 2017", "Wed Nov 01 01:10:47 +0000 2017"],
        ["turn 2", "turn 10"],
        ["2024年3月1日", "2024年11月1日"],
    ],
)
def test_turns_are_sorted_as_a_person_would(ordered: list[str]) -> None:
    row = Row("f", 1, {})
    mixed = [*ordered[1:], ordered[0]]
    assert sorted(mixed, key=lambda text: order_of(text, row)) == ordered


def test_a_date_that_can_be_read_two_ways_is_refused() -> None:
    with pytest.raises(Refusal, match="put in order"):
        order_of("03/04/2024 10:00", Row("f", 1, {}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<p>Hello,</p><p>it is <b>late</b>.</p><script>x()</script>", "Hello,\n\nit is late."),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("if a < b and c > d: List<int> &x", "if a < b and c > d: List<int> &x"),
        ("<think>so</think> yes", "<think>so</think> yes"),
        ("fish &amp; chips &lt;3", "fish & chips <3"),
        ("plain text", "plain text"),
    ],
)
def test_markup_goes_and_what_only_looks_like_it_stays(text: str, left: str) -> None:
    assert html(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Yes.\n\nOn Mon, 3 Mar 2024 at 10:00, Anna <a@b.de> wrote:\n> Is it?\n> Really?", "Yes."),
        ("Ja.\n\nAm 3. März 2024 um 10:00 schrieb Anna:\n\nIst es so?", "Ja."),
        ("Oui.\n\nLe 3 mars 2024, Anna a écrit :\n> Non ?", "Oui."),
        ("好的。\n\n在 2024年3月3日，安娜写道：\n> 是吗", "好的。"),
        ("See below.\n\n-----Original Message-----\nFrom: A\nold", "See below."),
        ("> You asked\nand I answer", "and I answer"),
        ("On the whole I wrote: a book", "On the whole I wrote: a book"),
        ("5 > 3 holds", "5 > 3 holds"),
    ],
)
def test_earlier_mails_go(text: str, left: str) -> None:
    assert quoted_replies(text) == left


KEPT = f"Ok\n\nBest regards\nA\n{'A sentence that is kept, so it stays. ' * 4}!"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It works.\n\nBest regards,\nAnna Meier\nSupport", "It works."),
        ("Es geht.\n\nMit freundlichen Grüßen\nAnna", "Es geht."),
        ("Done\n-- \nAnna\n+49 30 1", "Done"),
        ("Fine\n\nSent from my iPhone", "Fine"),
        ("Thanks\nfor the fish", "Thanks\nfor the fish"),
        (KEPT, KEPT),
    ],
)  # fmt: skip
def test_signatures_go(text: str, left: str) -> None:
    assert signatures(text) == left


@given(st.text(max_size=80) | st.text("<>&;/ab \n-:>", max_size=60))
def test_no_text_crashes_what_strips(text: str) -> None:
    for strip in (html, quoted_replies, signatures):
        assert isinstance(strip(text), str)


MAPPINGS = st.sampled_from([
    {"question": "{a}", "answer": "{b.c}"}, {"text": "{a}", "strip": ["html", "signatures"]},
    {"turns": "a", "content": "{a.x}"}, {"each": "a", "question": "{a.x}", "answer": "{b}"},
    {"labels": ["x"]}, {"turns": "a", "role_column": "a.r", "content": "{a}"},
    CHAT | {"group_by": "a"}, {"filter": "a > 1"},
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xcr"), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(MAPPINGS, st.lists(st.dictionaries(st.sampled_from(["a", "b", "text", "label"]), VALUES), max_size=4))
def test_no_row_crashes_a_mapping(mapping: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    for example in read(mapping, rows):
        assert example is None or isinstance(example, Refusal | Chat | Pair | Document)


def test_a_preview_says_what_comes_of_the_first_rows_or_what_is_wrong() -> None:
    rows = [Row("f", n, {"frage": f"Was ist die Zahl {n}?", "antwort": f"Sie ist {n}."}) for n in range(1, 9)]
    found = proposed(rows)
    assert (found.shape, found.rows, found.examples, len(found.samples)) == ("question_answer", 8, 8, 5)
    assert [part.learnt for part in found.samples[0].parts] == [False, True]
    wrong = preview({"question": "{frgae}", "answer": "{antwort}"}, rows)
    assert (wrong.at, wrong.do) == ("question", "Did you mean `frage`?")
    assert preview({"question": 1}, rows).problem
    assert preview(None, rows).samples[0].problem.startswith("The row cannot be read")


def test_the_side_job_proposes_tries_and_reads_by_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [{"frage": f"Was ist die Zahl {n}?", "antwort": f"Sie ist {n}."} for n in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    wrong = talk.Try(mapping={"question": "{frgae}", "answer": "{antwort}"})
    line = FakeLine(talk.Propose(), wrong, talk.Try(mapping=None), talk.Propose(file=7))
    mapping = mapping_of({"text": "{antwort}"})
    with pytest.raises(Gone):
        serve(talk.encode(talk.Spec(files=[str(path)], mapping=mapping)), line)
    first, tried, plain, none = [each.preview for each in line.said if isinstance(each, talk.Previewed)]
    assert first.mapping == mapping_of({"question": "{frage}", "answer": "{antwort}"})
    assert (tried.at, tried.do) == ("question", "Did you mean `frage`?")
    assert (plain.shape, none.mapping, none.rows) == (None, None, 0)
    [*_, told] = [each.report for each in line.said if isinstance(each, talk.Told)]
    assert (told.format, told.examples) == ("text", 9)


RECIPE = """model: m
data: rows.jsonl
mapping:
  # what is asked
  question: "{title}\\n\\n{body}"
  answer: "{reply}"
  filter: [lang == en, votes > 2]
  labels: {0: bad, 1: good}
"""


def test_a_mapping_lives_in_the_recipe_and_is_set_by_parts() -> None:
    file = parse(RECIPE)
    mapping = file.recipe.mapping
    assert mapping is not None
    assert mapping.question == "{title}\n\n{body}"
    assert mapping.conditions == ["lang == en", "votes > 2"]
    assert mapping.names == {"0": "bad", "1": "good"}
    changed = override(file, {"mapping.filter": "lang == de", "mapping.system": "{title}"}).recipe.mapping
    assert changed is not None
    assert (changed.filter, changed.system, changed.question) == ("lang == de", "{title}", mapping.question)
    assert override(file, {"mapping": "null"}).recipe.mapping is None


@pytest.mark.parametrize(
    ("line", "at", "do"),
    [
        ('  qestion: "{a}"', "`qestion`", "Did you mean `question`?"),
        ('  system: "{a"', "`system`", ""),
        ("  roles: {a: usr}", "`roles.a`", "Did you mean user?"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_line_and_field(line: str, at: str, do: str) -> None:
    from engine.problem import Problem

    with pytest.raises(Problem) as caught:
        parse(RECIPE + line + "\n")
    assert at in caught.value.what
    assert caught.value.where.endswith(":3") or ":" in caught.value.where
    assert do in caught.value.do
