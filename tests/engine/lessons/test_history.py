"""What past runs say: of settings before they are tried again, of rules whose advice is not wanted here."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.findings import Category, Finding, Patch, Severity
from engine.lessons.alike import Fingerprint
from engine.lessons.dismissals import Standing
from engine.lessons.history import history, known_to_fail
from engine.lessons.lesson import Attempt, DataPrint, Lesson, ModelPrint, Seen
from engine.lessons.record import quieted, records
from engine.recipe.recipe import Recipe
from engine.recipe.resuming import values

MODEL = ModelPrint(name="Qwen/Qwen2.5-0.5B", family="qwen2", layers=24, hidden=896, vocabulary=151_936)
MARK = Fingerprint(model=MODEL, data=DataPrint(files=["/d/rows.jsonl"]), hardware="NVIDIA H200")


def _recipe(**changes: Any) -> dict[str, Any]:
    return values(Recipe(model=MODEL.name, data="/d/rows.jsonl", **changes))


def _lesson(run: int, *found: tuple[Category, Severity], status: str = "succeeded", **recipe: Any) -> Lesson:
    return Lesson(
        run=str(run),
        created=float(run),
        status=status,
        model=MODEL,
        data=MARK.data,
        hardware=MARK.hardware,
        recipe=_recipe(**recipe),
        eval_loss=1.0,
        findings=[Seen(name=f"rule.{c}", category=c, severity=s, title=f"{c} at step 9") for c, s in found],
    )


def _diverged(run: int, rate: float) -> Lesson:
    return _lesson(run, ("loss_spike_divergence", "blocker"), status="failed", learning_rate=rate)


def test_a_rate_that_diverged_is_named_with_its_runs_and_the_one_that_worked() -> None:
    past = [_lesson(21, learning_rate=1e-4), _diverged(19, 2e-4), _diverged(12, 2e-4)]
    (found,) = history(_recipe(learning_rate=2e-4), MARK, past)
    assert (
        found.title == "learning_rate 2e-4 diverged twice on this model (runs 12, 19); 1e-4 worked (run 21)"
    )
    assert (found.category, found.severity, found.check) == (
        "history",
        "warning",
        "history.loss_spike_divergence",
    )
    assert found.patch == Patch(label="learning_rate 2e-4 -> 1e-4", recipe={"learning_rate": 1e-4})
    assert "run 12 failed: loss_spike_divergence at step 9: eval loss 1" in found.evidence
    assert known_to_fail(_recipe(learning_rate=3e-4), MARK, past), "what is higher still is no better"
    assert history(_recipe(learning_rate=1e-4), MARK, past) == []


def test_what_once_failed_and_as_often_went_well_is_not_held_against_a_setting() -> None:
    past = [_diverged(1, 2e-4), _lesson(2, learning_rate=2e-4)]
    assert history(_recipe(learning_rate=2e-4), MARK, past) == []
    (found,) = history(_recipe(learning_rate=2e-4), MARK, past[:1])
    assert found.severity == "note", "one failure may have been luck"


def test_garbage_that_the_first_step_met_is_no_settings_fault() -> None:
    garbage = Seen(
        name="first_loss", category="garbage_after_training", severity="warning", title="First loss", step=1
    )
    past = [msgspec.structs.replace(_lesson(run, learning_rate=2e-4), findings=[garbage]) for run in (1, 2)]
    assert history(_recipe(learning_rate=2e-4), MARK, past) == []
    late = msgspec.structs.replace(garbage, step=900)
    later = [msgspec.structs.replace(one, findings=[late]) for one in past]
    assert history(_recipe(learning_rate=2e-4), MARK, later)


def test_memory_counts_on_the_same_card_and_a_low_rate_by_what_lies_above_it() -> None:
    big = {"per_device_train_batch_size": 16, "max_length": 2048}
    past = [_lesson(n, ("oom", "blocker"), status="failed", **big) for n in (1, 2)]
    past.append(_lesson(3, per_device_train_batch_size=8, max_length=2048))
    (found,) = known_to_fail(_recipe(**big), MARK, past)
    assert "ran out of memory twice" in found.title
    assert found.patch is not None
    assert found.patch.recipe == {"per_device_train_batch_size": 8}
    assert known_to_fail(_recipe(gradient_checkpointing=True, **big), MARK, past) == []
    other_card = msgspec.structs.replace(MARK, hardware="NVIDIA A100")
    assert known_to_fail(_recipe(**big), other_card, past) == []
    flat = [_lesson(n, ("loss_not_decreasing", "warning"), learning_rate=1e-6) for n in (1, 2)]
    (slow,) = known_to_fail(_recipe(learning_rate=1e-6), MARK, [*flat, _lesson(3, learning_rate=1e-4)])
    assert "learnt nothing twice" in slow.title
    assert "1e-4 worked" in slow.title


def test_other_models_objectives_and_methods_say_nothing() -> None:
    past = [_diverged(1, 2e-4), _diverged(2, 2e-4)]
    wanted = _recipe(learning_rate=2e-4)
    stranger = ModelPrint(name="gpt2", family="gpt2", layers=12, hidden=768, vocabulary=50_257)
    assert history(wanted, msgspec.structs.replace(MARK, model=stranger), past) == []
    assert history(wanted, msgspec.structs.replace(MARK, objective="dpo"), past) == []
    assert history(wanted, msgspec.structs.replace(MARK, method="full"), past) == []


def test_the_very_recipe_that_failed_is_known_unless_the_machine_was_to_blame() -> None:
    wrong = [_lesson(n, ("target_modules_not_found", "blocker"), status="failed", seed=n) for n in (4, 4)]
    (found,) = history(_recipe(seed=4), MARK, wrong)
    assert found.title == "This very recipe has failed twice (runs 4, 4)"
    assert history(_recipe(seed=4, lora_r=8), MARK, wrong) == []
    full = [_lesson(4, ("save_or_disk", "blocker"), status="failed")]
    assert history(_recipe(), MARK, full) == []


def _tried(run: int, helped: bool, *, loss: float = 1.0, status: str = "succeeded") -> Lesson:
    what = Patch(label="x")
    tried = Attempt(
        finding="curve.spike", category="loss_spike_divergence", patch=what, after="1", helped=helped
    )
    return msgspec.structs.replace(_lesson(run, status=status), attempts=[tried], eval_loss=loss)


def test_a_rules_record_is_what_became_of_its_advice() -> None:
    first = msgspec.structs.replace(_diverged(1, 2e-4), dismissed=["curve.spike"])
    past = [first, _tried(2, True), _tried(3, False), _tried(4, True, loss=2.0)]
    record = records(past, [Standing(found="curve.spike", scope="always")])["curve.spike"]
    assert (record.applied, record.helped, record.harmed, record.dismissed) == (3, 1, 1, 2)
    assert record.told == "here applied 3 times, helped once, harmed once, put aside twice"
    assert records(past)["rule.loss_spike_divergence"].found == 1


@pytest.mark.parametrize(("put_aside", "severity"), [(2, "warning"), (3, "note")])
def test_a_rule_that_is_put_aside_again_and_again_grows_quiet(put_aside: int, severity: str) -> None:
    known = records(
        [], [Standing(found="length.short", scope="dataset", subject=str(n)) for n in range(put_aside)]
    )
    finding = Finding(category="quality", severity="warning", title="Short", check="length.short")
    assert quieted(finding, known).severity == severity
    grave = msgspec.structs.replace(finding, severity="blocker")
    assert quieted(grave, known) == grave
