"""Makes the question that goes to the advisor of what a front end has at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.findings import Finding
from engine.lessons.alike import Fingerprint, fingerprint, similar
from engine.lessons.lesson import DataPrint, Lesson, ModelPrint
from engine.local_model.talk import Question
from engine.run_state import RunState

_LESSONS: Final = 8
"""Past runs that come with a question: some kilobytes each."""


def asked(
    number: int,
    text: str,
    state: RunState | None = None,
    findings: Sequence[Finding] = (),
    lessons: Sequence[Lesson] = (),
    *,
    recipe: str = "",
    step: int | None = None,
) -> Question:
    """The question, with those of the past runs that are most like the run at hand.

    Args:
        number: told back with the answer.
        text: as the person asked it.
        state: of the run that it is about.
        findings: as the person sees them, in this order.
        lessons: of all past runs.
        recipe: the text of a recipe at hand, in place of the run's.
        step: the step that the person points at.
    """
    run = state.run if state is not None else ""
    return Question(
        number=number,
        text=text,
        run=run,
        findings=list(findings),
        lessons=_alike(state, [lesson for lesson in lessons if lesson.run != run], lessons),
        recipe=recipe,
        step=step,
    )


def _alike(state: RunState | None, others: Sequence[Lesson], lessons: Sequence[Lesson]) -> list[Lesson]:
    if state is None:
        return list(others[:_LESSONS])
    own = next((fingerprint(lesson) for lesson in lessons if lesson.run == state.run), None)
    mark = own or Fingerprint(
        model=ModelPrint(name=state.model), data=DataPrint(files=state.data), hardware=state.device
    )
    return [one.lesson for one in similar(mark, others, most=_LESSONS)]
