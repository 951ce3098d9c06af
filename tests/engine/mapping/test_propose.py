"""A mapping is proposed for columns in many languages, nested objects, tickets, chats and translations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mapping.check import mapping_of, unknown_column
from engine.mapping.mapping import Mapping, plain
from engine.mapping.propose import propose

LONG = "This says a good deal about number {i}, in more than a word or two."
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "german": ({"nr": "{i}", "frage": LONG, "antwort": LONG, "kategorie": "Konto"},
               {"question": "{frage}", "answer": "{antwort}"}),
    "chinese": ({"编号": "{i}", "问题": "如何重置第{i}个密码？", "答案": "请打开设置，选择第{i}项。"},
                {"question": "{问题}", "answer": "{答案}"}),
    "arabic": ({"السؤال": "كيف يمكنني تعيين الرقم {i}؟", "الإجابة": "افتح الإعدادات {i}."},
               {"question": "{السؤال}", "answer": "{الإجابة}"}),
    "spanish": ({"pregunta": LONG, "respuesta": LONG}, {"question": "{pregunta}", "answer": "{respuesta}"}),
    "russian": ({"вопрос": LONG, "ответ": LONG}, {"question": "{вопрос}", "answer": "{ответ}"}),
    "japanese": ({"質問": "番号{i}は何ですか。", "回答": "番号は{i}です。"},
                 {"question": "{質問}", "answer": "{回答}"}),
    "code": ({"problem": LONG, "solution": "def f(x):\n    return x + {i}", "difficulty": "easy"},
             {"question": "{problem}", "answer": "{solution}"}),
    "nested": ({"id": "{i}", "payload": {"ticket": {"subject": "Order {i}", "body": LONG},
                                         "resolution": {"text": LONG, "agent": "anna"}}},
               {"question": "{payload.ticket.subject}\n\n{payload.ticket.body}",
                "answer": "{payload.resolution.text}"}),
    "stack exchange": ({"id": "{i}", "title": "How to sort {i}?", "body": "<p>I have <code>a{i}</code>.</p>",
                        "answers": [{"Body": "<p>Use sorted({i}).</p>", "Score": 3}]},
                       {"question": "{title}\n\n{body}", "answer": "{answers.0.Body}", "strip": ["html"]}),
    "columns of languages": ({"en": LONG, "de": LONG},
                             {"question": "Translate from English into German:\n\n{en}", "answer": "{de}"}),
    "nested languages": ({"id": "{i}", "translation": {"en": LONG, "fr": LONG}},
                         {"question": "Translate from English into French:\n\n{translation.en}",
                          "answer": "{translation.fr}"}),
    "a list of texts": ({"dialog": ["Hi, how are you?", "Fine, thank you."], "act": [1, 2]},
                        {"turns": "dialog", "content": "{dialog}"}),
    "a list of turns": ({"id": "{i}", "turns": [{"speaker": "USER", "utterance": "I need a train."},
                                                {"speaker": "SYSTEM", "utterance": "Which day?"}]},
                        {"turns": "turns", "role_column": "turns.speaker", "content": "{turns.utterance}",
                         "roles": {"SYSTEM": "assistant"}}),
    "a list of instances": ({"instruction": LONG, "instances": [{"input": "x{i}", "output": "y{i}"}]},
                            {"each": "instances", "question": "{instruction}\n\n{instances.input}",
                             "answer": "{instances.output}"}),
    "two texts and a class": ({"premise": LONG, "hypothesis": LONG, "label": "{odd}"},
                              {"question": "Premise: {premise}\nHypothesis: {hypothesis}",
                               "answer": "{label}"}),
    "a summary": ({"article": LONG * 4, "highlights": LONG},
                  {"question": "Summarize:\n\n{article}", "answer": "{highlights}"}),
    "parts of a question": ({"question_title": "What is {i}?", "question_body": LONG, "answer_body": LONG},
                            {"question": "{question_title}\n\n{question_body}", "answer": "{answer_body}"}),
    "languages with a word": ({"en_sentence": LONG, "de_sentence": LONG},
                              {"question": "Translate from English into German:\n\n{en_sentence}",
                               "answer": "{de_sentence}"}),
    "turns inside an object": ({"data": {"messages": [{"sender": "client", "msg": "my order {i} is late"},
                                                      {"sender": "support", "msg": "we are sorry"}]}},
                               {"turns": "data.messages", "role_column": "data.messages.sender",
                                "content": "{data.messages.msg}"}),
    "a mail": ({"subject": "Offer {i}", "from": "a@b.de", "body": f"{LONG}\n\nBest regards\nAnna"},
               {"text": "{body}", "strip": ["signatures"]}),
}  # fmt: skip


def rows(pattern: Any, count: int = 24) -> list[dict[str, Any]]:
    def filled(value: Any, i: int) -> Any:
        if isinstance(value, str):
            return value.replace("{i}", str(i)).replace("{odd}", str(i % 2))
        if isinstance(value, list):
            return [filled(item, i) for item in value]
        return {name: filled(item, i) for name, item in value.items()} if isinstance(value, dict) else value

    return [filled(pattern, i) for i in range(count)]


@pytest.mark.parametrize("case", list(CASES))
def test_columns_of_any_names_are_understood(case: str) -> None:
    pattern, wanted = CASES[case]
    found = propose(list(pattern), rows(pattern))
    assert found is not None
    assert plain(found.mapping) == wanted
    assert found.reason
    assert 0 < found.confidence < 1


TICKETS = [
    {
        "ticket_id": f"T{t}",
        "created_at": f"2024-03-0{m + 1}T10:00:00",
        "author": who,
        "body": f"{LONG} {t} {m}",
    }
    for m, who in enumerate(["customer", "agent", "customer", "agent"])
    for t in range(6)
]


def test_rows_that_are_turns_are_grouped() -> None:
    found = propose(list(TICKETS[0]), TICKETS)
    assert found is not None
    assert found.confidence > 0.9
    assert plain(found.mapping) == {
        "group_by": "ticket_id", "order_by": "created_at", "role_column": "author", "content": "{body}",
    }  # fmt: skip


def test_names_of_people_get_roles_and_names_of_messages_are_no_order() -> None:
    made = [
        {
            "thread": f"t{k // 4}",
            "message_id": f"{k * 7919 % 97:x}q",
            "author": ["ann", "help"][k % 2],
            "text": LONG,
        }
        for k in range(40)
    ]
    found = propose(list(made[0]), made)
    assert found is not None
    assert found.mapping.roles == {"ann": "user", "help": "assistant"}
    assert found.mapping.order_by == ""


@pytest.mark.parametrize("row", [{}, {"a": 1, "b": 2.5}, {"url": "https://x.y/z"}, {"on": True}, {"x": None}])
def test_where_nothing_is_text_nothing_is_proposed(row: dict[str, Any]) -> None:
    assert propose(list(row), [row] * 20) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
COLUMNS = st.sampled_from(
    ["frage", "answer", "turns", "id", "{", "a.b", "role", "thread", "问题", ""]
) | st.text(max_size=9)


@settings(deadline=None)
@given(st.lists(st.dictionaries(COLUMNS, VALUES, max_size=5), max_size=6))
def test_whatever_is_proposed_is_a_mapping_of_columns_that_are_there(made: list[dict[str, Any]]) -> None:
    named = [{name.strip().lower(): value for name, value in row.items()} for row in made]
    columns = list(dict.fromkeys(name for row in named for name in row))
    found = propose(columns, named)
    if found is None:
        return
    assert isinstance(found.mapping, Mapping)
    assert mapping_of(json.loads(json.dumps(plain(found.mapping)))) == found.mapping
    assert unknown_column(found.mapping, set(columns)) is None
