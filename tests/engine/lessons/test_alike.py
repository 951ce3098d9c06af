"""How alike runs are: the same is 1, order does not matter, and what differs more is less alike."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.lessons.alike import Fingerprint, alike, fingerprint, similar
from engine.lessons.lesson import DataPrint, Lesson, ModelPrint

QWEN = ModelPrint(
    name="Qwen/Qwen2.5-0.5B",
    family="qwen2",
    parameters=494_000_000,
    layers=24,
    hidden=896,
    vocabulary=151_936,
)
TICKETS = DataPrint(files=["/d/tickets.jsonl"], digest="a1", rows=1000, label_tokens=90_000, form="chat")
MARK = Fingerprint(model=QWEN, data=TICKETS, hardware="NVIDIA H200")

NAME = st.sampled_from(["", "a", "owner/a", "/models/b"])
NUMBER = st.sampled_from([0, 1, 7, 10**3, 10**9])
PRINTS = st.builds(
    Fingerprint,
    model=st.builds(ModelPrint, name=NAME, family=NAME, parameters=NUMBER, layers=NUMBER, hidden=NUMBER,
                    vocabulary=NUMBER),
    data=st.builds(DataPrint, files=st.lists(NAME, max_size=2), digest=NAME, rows=NUMBER, label_tokens=NUMBER,
                   form=NAME),
    hardware=NAME, objective=NAME, method=NAME,
)  # fmt: skip


@given(PRINTS, PRINTS)
def test_likeness_lies_between_0_and_1_and_knows_no_order(one: Fingerprint, other: Fingerprint) -> None:
    assert 0 <= alike(one, other) <= 1
    assert alike(one, other) == alike(other, one)


def test_the_same_again_is_1() -> None:
    assert alike(MARK, MARK) == 1


def test_a_model_is_the_same_wherever_it_lies_but_not_when_its_shape_is_another() -> None:
    here = _with(model=msgspec.structs.replace(QWEN, name="/models/qwen2.5-0.5b/"))
    wider = _with(model=msgspec.structs.replace(QWEN, hidden=1024))
    assert alike(MARK, here) == 1
    assert alike(MARK, wider) < 1


def test_each_difference_counts_and_larger_ones_more() -> None:
    tuned = _with(model=msgspec.structs.replace(QWEN, name="Qwen/Qwen2.5-0.5B-Instruct"))
    bigger = _with(
        model=ModelPrint(
            name="q", family="qwen2", parameters=7_000_000_000, layers=28, hidden=3584, vocabulary=1
        )
    )
    stranger = _with(
        model=ModelPrint(
            name="g", family="gpt2", parameters=7_000_000_000, layers=28, hidden=3584, vocabulary=1
        )
    )
    assert 1 > alike(MARK, tuned) > alike(MARK, bigger) > alike(MARK, stranger)
    grown = _with(data=msgspec.structs.replace(TICKETS, digest="b2"))
    others = _with(data=DataPrint(files=["/d/x.jsonl"], rows=2000, label_tokens=200_000, form="chat"))
    many = _with(data=DataPrint(files=["/d/x.jsonl"], rows=2_000_000, label_tokens=10**9, form="verbatim"))
    assert 1 > alike(MARK, grown) > alike(MARK, others) > alike(MARK, many)
    assert alike(MARK, _with(objective="dpo")) < 0.3 > 0
    assert alike(MARK, _with(method="full")) < alike(MARK, _with(hardware="cpu"))


def test_the_most_alike_come_first_and_of_equals_the_newest() -> None:
    other = ModelPrint(name="x", family="gpt2", parameters=10_000_000, layers=2, hidden=64, vocabulary=100)
    lessons = [
        Lesson(run="1", created=1, model=QWEN, data=TICKETS, hardware="NVIDIA H200"),
        Lesson(run="2", created=2, model=other, data=DataPrint(rows=5, form="verbatim"), hardware="cpu"),
        Lesson(run="3", created=3, model=QWEN, data=TICKETS, hardware="NVIDIA H200"),
        Lesson(run="4", created=4, model=QWEN, data=DataPrint(), hardware="cpu", recipe={"method": "lora"}),
        Lesson(run="5", created=5, model=QWEN, data=TICKETS, recipe={"objective": "dpo"}),
    ]
    assert [found.lesson.run for found in similar(MARK, lessons)] == ["3", "1", "4"]
    assert fingerprint(lessons[4]).objective == "dpo"
    assert len(similar(MARK, lessons, most=1)) == 1


def _with(**changed: object) -> Fingerprint:
    return msgspec.structs.replace(MARK, **changed)
