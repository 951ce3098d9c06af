"""What goes over the line between a front end and the advisor."""

from __future__ import annotations

import pytest

from engine.findings import Finding, Patch
from engine.lessons.lesson import Lesson, ModelPrint
from engine.local_model import talk

FOUND = Finding(category="oom", severity="blocker", title="It ran out of memory")
SAID: list[talk.ToFront] = [
    talk.Ready(model="qwen"),
    talk.Loading(number=1, what="reading the question", done=3, total=9),
    talk.Piece(number=1, text="As [1] says"),
    talk.Answer(
        number=1, text="As [1] says.", by="model", cites=[1],
        proposal=talk.Proposal(patch=Patch(label="lora_r 16 -> 8", recipe={"lora_r": 8}), cites=[1]),
    ),
    talk.Failed(number=2, problem={"what": "There is no run 7."}),
]  # fmt: skip


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_what_the_advisor_says_arrives_as_it_was_said(said: talk.ToFront) -> None:
    assert talk.to_front(talk.encode(said)) == said


def test_a_question_carries_findings_and_lessons_in_their_order() -> None:
    lesson = Lesson(run="3", model=ModelPrint(name="m"))
    asked = talk.Question(number=1, text="why?", run="4", findings=[FOUND], lessons=[lesson], step=410)
    assert talk.to_worker(talk.encode(asked)) == asked
    assert talk.to_worker(talk.encode(talk.Cancel())) == talk.Cancel()
    assert talk.spec(talk.encode(talk.Spec(rules=True))).rules


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"say":"sing"}', b"[" * 9000])
def test_what_another_version_says_is_passed_over(body: bytes) -> None:
    assert talk.to_worker(body) is None
    assert talk.to_front(body) is None
