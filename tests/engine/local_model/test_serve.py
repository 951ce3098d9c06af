"""The advisor where there is no model: the same line, answered by rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine import events as ev
from engine.findings import Finding, Patch
from engine.lessons.lesson import Lesson, ModelPrint
from engine.local_model import talk
from engine.run_dir import RunDir
from tests.engine.local_model.conftest import RECIPE, Front

Fronts = Callable[[talk.Spec], Front]
RULES = talk.Spec(rules=True)


def found(**recipe: object) -> Finding:
    return Finding(
        category="hyperparameter", severity="warning", title="The rate is high", remedy="Lower it.",
        patch=Patch(label="made elsewhere", recipe=recipe),
    )  # fmt: skip


def test_without_a_model_it_is_ready_and_says_how_to_get_one(fronts: Fronts) -> None:
    ready = fronts(RULES).heard()
    assert isinstance(ready, talk.Ready)
    assert ready.model == ""


def test_a_question_about_a_run_is_answered_from_its_own_files(fronts: Fronts, run: RunDir) -> None:
    front = fronts(RULES)
    answer = front.answer("why did the loss jump at 41?", run="1")
    assert answer.by == "rules"
    assert "leapt to 9 at step 41" in answer.text
    assert "has not come to step 70" in front.answer("what happened at step 70?", run="1").text
    more = b"".join(
        ev.encode(ev.Step(t=9e9, step=s, loss=2.0, lr=2e-4, grad_norm=1.0, tokens=9, label_tokens=9,
                          seconds=1.0, epoch=0.7))
        for s in range(61, 71)
    )  # fmt: skip
    with run.events.open("ab") as file:
        file.write(more)
    assert "has not come" not in front.answer("what happened at step 70?", run="1").text


def test_a_run_that_is_not_there_is_told_and_the_next_question_is_answered(fronts: Fronts) -> None:
    front = fronts(RULES)
    front.heard()
    failed = front.ask("is it going well?", run="99")[-1]
    assert isinstance(failed, talk.Failed)
    assert "99" in failed.problem["what"]
    assert front.answer("what next?").text


def test_the_patch_of_a_finding_becomes_a_proposal_with_its_own_words(fronts: Fronts, run: RunDir) -> None:
    answer = fronts(RULES).answer("what should I do?", run="1", findings=[found(learning_rate=1e-4)])
    assert answer.cites == [1]
    assert answer.proposal is not None
    assert answer.proposal.patch == Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4})


@pytest.mark.parametrize("recipe", [{"learning_rate": 2e-4}, {"learning_rate": -1.0}, {"lora_rank": 8}, {}])
def test_a_patch_that_changes_nothing_or_cannot_be_run_is_not_proposed(
    fronts: Fronts, run: RunDir, recipe: dict[str, object]
) -> None:
    answer = fronts(RULES).answer("what should I do?", run="1", findings=[found(**recipe)])
    assert answer.proposal is None


def test_a_proposal_that_failed_before_says_so(fronts: Fronts) -> None:
    lesson = Lesson(run="12", model=ModelPrint(name="m"), recipe={"learning_rate": 1e-3}, status="failed")
    asked = {"findings": [found(learning_rate=1e-3)], "lessons": [lesson], "recipe": RECIPE}
    proposal = fronts(RULES).answer("what should I do?", **asked).proposal
    assert proposal is not None
    assert any("runs 12" in warning for warning in proposal.warnings)
