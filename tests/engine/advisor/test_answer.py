"""Answers by rules: from what is recorded of a run, in plain words, and from nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.advisor.answer import answer, step_in
from engine.advisor.known import Known
from engine.eaten.told import Eaten, Part, Row
from engine.findings import Finding, Patch
from engine.lessons.lesson import Attempt, Lesson, ModelPrint, Seen
from engine.recipe.recipe import Recipe
from engine.run_state import RunState, apply
from tests.engine import strategies as some

RECIPE = Recipe(model="m", data="d.jsonl")
HOT = Finding(
    category="loss_spike_divergence", severity="warning", title="The loss leaps for a step", confidence=0.7,
    evidence=["step 410: 9.1"], cause="Odd rows.", remedy="Read the rows.", step=410,
    patch=Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4}),
)  # fmt: skip
NOTE = Finding(category="duplicates", severity="note", title="3 rows stand twice", remedy="Drop them.")


def run(losses: dict[int, float], steps: int = 1000, norms: dict[int, float] | None = None) -> RunState:
    state = RunState()
    for event in (
        ev.Created(t=0.0, run="7", name="mine", model="m", data=["d.jsonl"]),
        ev.Started(t=1.0, pid=1, host="h", device="cpu"),
        ev.Planned(
            t=2.0, steps=steps, epochs=2.0, rows=1600, eval_rows=100, tokens=90_000, label_tokens=30_000,
            trainable=10, parameters=100, batch_rows=4, learning_rate=2e-4,
        ),
        ev.Phase(t=3.0, name="training"),
    ):  # fmt: skip
        apply(state, event)
    for step, loss in losses.items():
        norm = (norms or {}).get(step, 0.8)
        told = ev.Step(
            t=3.0 + step, step=step, loss=loss, lr=2e-4, grad_norm=norm, tokens=100, label_tokens=40,
            seconds=1.0, epoch=0.1,
        )  # fmt: skip
        apply(state, told)
    return state


def curve(last: int, leap: int = 0, to: float = 9.0, stays: bool = False) -> dict[int, float]:
    losses = {s: 2.5 - s / 1000 + 0.02 * (s % 3) for s in range(1, last + 1)}
    for step in range(leap, last + 1 if stays else leap + 1) if leap else ():
        losses[step] = to
    return losses


def said(question: str, **known: object) -> str:
    return answer(question, Known(**known)).text  # type: ignore[arg-type]


def test_a_leap_of_a_step_is_told_with_its_figures_its_finding_and_its_rows() -> None:
    state = run(curve(500, leap=410), norms={410: 14.0})
    parts = [Part("user asks", False), Part("a very odd answer", True)]
    eaten = Eaten(run="7", step=410, epoch=0, loss=9.0, grad_norm=14.0, lr=2e-4,
                  rows=[Row("d.jsonl:12", 30, 3, parts)])  # fmt: skip
    told = answer("why did the loss jump at 410?", Known(state=state, findings=[NOTE, HOT], eaten=eaten))
    for fact in (
        "leapt to 9 at step 410",
        "came back",
        "14",
        "[2]",
        "d.jsonl:12",
        "a very odd answer",
        "--step 410",
    ):
        assert fact in told.text, fact
    assert told.cites == [2]
    assert "user asks" not in told.text


def test_a_leap_that_stays_is_answered_with_a_lower_rate() -> None:
    told = said("what happened at step 300?", state=run(curve(400, leap=300, to=6.0, stays=True)))
    assert "has not come back" in told
    assert "learning_rate, such as 1e-4 in place of 2e-4" in told


def test_who_points_beside_the_leap_is_led_to_it() -> None:
    assert "near it, step 410 does" in said("why did it jump at 405", state=run(curve(500, leap=410)))


def test_all_leaps_are_listed_and_two_questions_are_answered_in_their_order() -> None:
    losses = curve(500) | {100: 7.0, 300: 9.0}
    told = said("did the loss jump anywhere?", state=run(losses))
    assert told.index("- step 100: 7") < told.index("- step 300: 9")
    both = said("how long will it take, and is it going well?", state=run(losses), findings=[HOT])
    assert both.index("It is running") < both.index("It learns, but see [1]")
    assert "(step 410)" in both


def test_where_nothing_leaps_that_is_said_and_no_cause_is_made_up() -> None:
    told = said("why did the loss jump at 200?", state=run(curve(500)))
    assert told.startswith("Nothing unusual")
    assert "learning rate is too high" not in told


def test_a_step_that_was_not_made_is_refused() -> None:
    assert "has not come to step 900" in said("why is the loss so odd at step 900", state=run(curve(100)))


@pytest.mark.parametrize(
    ("state", "findings", "verdict"),
    [
        (run(curve(500)), [], "Yes"),
        (run(curve(500)), [HOT], "see [1]"),
        (run(curve(3)), [], "Too early"),
        (run({s: 1 + s / 100 for s in range(1, 200)}), [], "No: the loss is higher"),
        (RunState(run="7", status="queued", reason="waits for cpu"), [], "waits for cpu"),
    ],
)
def test_is_it_going_well_begins_with_a_verdict(
    state: RunState, findings: list[Finding], verdict: str
) -> None:
    assert verdict in said("is it going well?", state=state, findings=findings).splitlines()[0]


def test_overfitting_shows_on_held_out_rows() -> None:
    state = run(curve(300))
    for step, loss in ((100, 1.0), (200, 1.2), (300, 1.4)):
        apply(state, ev.Evaluated(t=999.0, step=step, loss=loss, label_tokens=9, seconds=1.0))
    assert said("is it overfitting?", state=state).startswith("Yes")
    assert "step 100" in said("how is it going", state=state).splitlines()[0]
    assert "none were evaluated" in said("is it overfitting?", state=run(curve(300)))


def test_why_it_failed_names_cause_evidence_and_the_way_on() -> None:
    state = run(curve(300))
    failed = ev.Failed(t=400.0, run="7", steps=300, what="The loss was not finite", why="NaN at step 300.",
                       do="Lower learning_rate.", resumable=True)  # fmt: skip
    apply(state, failed)
    told = said("why did it crash?", state=state, findings=[HOT])
    for fact in (
        "The loss was not finite",
        "NaN at step 300.",
        "[1] (70% sure)",
        "step 410: 9.1",
        "runs resume 7",
    ):
        assert fact in told, fact


def test_what_ended_a_run_comes_before_what_is_only_odd_and_nothing_is_said_twice() -> None:
    state = run(curve(300))
    do = "`openlora runs resume 7` starts it again."
    apply(state, ev.Failed(t=400.0, run="7", steps=300, what="It was killed.", do=do, resumable=False))
    killed = Finding(category="other", severity="blocker", title="It was killed", remedy=do)
    for question in ("why did it fail?", "what next?"):
        told = said(question, state=state, findings=[NOTE, HOT, killed])
        assert told.count(do) == 1
        assert "[3]" in told.splitlines()[1]


def test_what_next_speaks_for_the_patch_and_for_what_has_helped_before() -> None:
    attempt = Attempt(finding="x", category="loss_spike_divergence", after="3", helped=True,
                      patch=Patch(label="learning_rate 3e-4 -> 1e-4"))  # fmt: skip
    lessons = [Lesson(run="5", model=ModelPrint(name="m"), attempts=[attempt])]
    told = answer("what next?", Known(state=run(curve(500)), findings=[HOT, NOTE], lessons=lessons))
    assert told.patch == HOT.patch
    assert "[1] The loss leaps for a step. Read the rows." in told.text
    assert "In run 5, learning_rate 3e-4 -> 1e-4 helped" in told.text


def test_past_runs_tell_which_rates_failed() -> None:
    grave = [Seen(name="x", category="nan_or_inf", severity="blocker", title="NaN")]
    lessons = [
        Lesson(run="12", model=ModelPrint(name="m"), recipe={"learning_rate": 2e-4}, findings=grave),
        Lesson(run="19", model=ModelPrint(name="m"), recipe={"learning_rate": 2e-4}, status="failed"),
        Lesson(run="20", model=ModelPrint(name="m"), recipe={"learning_rate": 1e-4}, eval_loss=1.2),
    ]
    told = said("is the learning rate right?", lessons=lessons, recipe=RECIPE)
    assert "2e-4 failed or diverged in runs 12, 19" in told
    assert "1.2, came with 1e-4 (run 20)" in told


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("what does lora_r mean?", "lora_r:"),
        ("what is the max length?", "Here it is 1024"),
        ("what does perplexity mean", "exponential"),
        ("explain [1]", "What to do: Read the rows."),
        ("explain finding 9", "no finding [9]"),
        ("how long will it take?", "500 of 1,000"),
        ("will it fit in memory?", "gradient_checkpointing"),
        ("what data does it learn from?", "1,600 rows"),
        ("why does the loss not fall?", "[1] The loss leaps"),
        ("how did my past runs do", "No past run"),
        ("wie geht es dir", "They do answer"),
        ("should I stop it?", "Not for its curve; see [1]"),
        ("should it train longer?", "still falls"),
        ("can I close the terminal?", "Yes, leave"),
        ("how do I resume it?", "runs resume 7"),
        ("why are the outputs garbage?", "writes nonsense"),
        ("it never stops generating", "has not learnt to end its answers"),
        ("explain the first finding", "Read the rows."),
        ("what is LoRA?", "two small matrices"),
        ("which checkpoint is the best?", "Nothing was evaluated"),
        ("is my gpu used?", "works on cpu"),
        ("show me a sample", "No samples"),
        ("what's wrong with my data?", "1,600 rows"),
        ("is it going well and how long will it take?", "minutes are left, evaluation"),
        ("did the loss jump anywhere?", "No: no point"),
    ],
)
def test_each_subject_is_answered(question: str, fact: str) -> None:
    assert fact in said(question, state=run(curve(500)), findings=[HOT], recipe=RECIPE)


def test_a_step_is_told_from_other_numbers() -> None:
    known = Known(state=run(curve(500)), step=77)
    assert step_in("why did the loss jump at 1,0", known) == 10
    assert step_in("what happened here?", known) == 77
    assert step_in("explain finding 2", known) is None
    assert step_in("is 24 GiB enough?", known) is None


@given(st.text(max_size=60) | st.sampled_from(("is it going well", "what next", "why at 3", "did it fail")),
       some.HISTORY, st.lists(st.sampled_from([HOT, NOTE]), max_size=3))  # fmt: skip
def test_any_question_of_any_run_is_answered_and_cites_only_what_there_is(
    question: str, history: list[ev.Event], findings: list[Finding]
) -> None:
    state = RunState()
    for event in history:
        apply(state, event)  # type: ignore[arg-type]
    told = answer(question, Known(state=state, findings=findings, recipe=RECIPE))
    assert told.text
    named = {int(n) for n in re.findall(r"\[(\d+)\]", told.text)} & {1, 2, 3}
    assert set(told.cites) == {n for n in named if n <= len(findings)}
