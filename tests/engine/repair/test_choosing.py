"""Which change is chosen: by what was found, by what past runs say of it, and never what is known to fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.findings import Category, Finding, Patch
from engine.lessons.lesson import Attempt, Lesson, ModelPrint, Seen
from engine.messages import JobContext
from engine.recipe import Recipe, parse
from engine.recipe.yaml import changed
from engine.remarks import Tried
from engine.repair import saved
from engine.repair.choose import by_itself, choices, chosen, places
from engine.repair.known import fails, kind_of, record
from engine.repair.remedies import AFRESH, AGAIN, proposed
from engine.repair.start import mended, offered
from engine.run_dir import RunDir
from engine.run_state import RunState, fold
from tests.engine import strategies as some

RECIPE = "model: m\ndata: d\nlearning_rate: 2e-4\n"


def found(category: Category, **more: Any) -> Finding:
    return Finding(category=category, severity="blocker", title=f"it was {category}", **more)


def lesson(
    run: str, category: Category = "other", *, status: str = "failed", name: str = "", **recipe: Any
) -> Lesson:
    values = msgspec.to_builtins(msgspec.structs.replace(parse(RECIPE).recipe, **recipe))
    seen = Seen(name=name or category, category=category, severity="blocker", title="t")
    findings = [seen] if status == "failed" else []
    return Lesson(run=run, status=status, model=ModelPrint(name="m"), recipe=values, findings=findings)


@pytest.fixture
def run(home: Path) -> RunDir:
    return RunDir.create(home, RECIPE, JobContext(python="", cwd="/", umask=0))


def _failed(finding: Finding) -> RunState:
    failed = ev.Failed(run="1", steps=7, what="It failed.", findings=[finding])
    return fold(some.lines(*some.started(), some.step(7, loss=2.0), failed))


@given(st.sampled_from(get_args(Category)), st.booleans(), st.sampled_from([None, 1, 40]))
def test_every_remedy_changes_something_and_is_a_recipe_that_can_be(
    category: Category, hot: bool, step: int | None
) -> None:
    file = parse(RECIPE + ("mixed_precision: fp16\nmax_grad_norm: 0\n" if hot else ""))
    told = proposed(file.recipe, found(category, step=step, evidence=["rows.jsonl:3"]))
    assert len({repr(sorted(one.recipe.items())) + one.label for one in told}) == len(told)
    for one in told:
        after = changed(file, one.recipe).recipe
        assert isinstance(after, Recipe)
        assert after != file.recipe or one in (AGAIN, AFRESH)


def test_what_has_helped_before_comes_first_and_what_has_not_comes_later(run: RunDir) -> None:
    state = _failed(found("loss_spike_divergence"))
    plain = choices(run, state, [])
    assert "learning_rate" in plain[0].patch.recipe
    lower, other = plain[0].patch, plain[1].patch

    def tried(number: int, patch: Patch, *, helped: bool) -> Lesson:
        attempt = Attempt(
            finding="f", category="loss_spike_divergence", patch=patch, after="90", helped=helped
        )
        return msgspec.structs.replace(lesson(str(number), status="succeeded"), attempts=[attempt])

    past = [
        lesson("90"),
        *(tried(n, lower, helped=False) for n in (91, 92, 93)),
        tried(94, other, helped=True),
    ]
    ranked = choices(run, state, past)
    assert ranked[0].patch == other
    assert "helped in 1 of 1 runs" in ranked[0].said
    assert record(past, "loss_spike_divergence", lower, msgspec.to_builtins(parse(RECIPE).recipe)).tried == 3


def test_a_number_counts_by_its_direction() -> None:
    down, up = {"learning_rate": 1e-4}, {"learning_rate": 4e-4}
    before = {"learning_rate": 2e-4}
    assert kind_of(Patch(label="", recipe=down), before) != kind_of(Patch(label="", recipe=up), before)
    assert kind_of(Patch(label="", recipe={"learning_rate": 5e-5}), before) == kind_of(
        Patch(label="", recipe=down), before
    )


def test_settings_that_failed_are_called_so_and_worse_ones_with_them() -> None:
    past = [
        lesson("12", "loss_spike_divergence", learning_rate=3e-4),
        lesson("19", "other", name="death.killed"),
    ]

    def told(**values: Any) -> str:
        return fails(past, msgspec.to_builtins(msgspec.structs.replace(parse(RECIPE).recipe, **values)))

    assert "run 12 failed with these settings" in told(learning_rate=3e-4)
    assert "run 12" in told(learning_rate=1e-3)
    assert told(learning_rate=1e-4) == ""
    assert told(learning_rate=3e-4, data="other") == ""
    assert told(learning_rate=3e-4, lora_r=64) == ""
    assert "run 12" in told(learning_rate=3e-4, save_steps=7)
    assert told() == "", "a killed run says nothing against its settings"


def test_the_engine_takes_nothing_that_is_known_to_fail_and_a_person_is_told(run: RunDir) -> None:
    state = _failed(found("loss_spike_divergence"))
    first = choices(run, state, [])[0]
    past = [lesson("12", "loss_spike_divergence", **first.patch.recipe)]
    ranked = choices(run, state, past)
    taken = by_itself(ranked)
    assert taken is not None
    assert taken.patch.recipe != first.patch.recipe
    told = next(one for one in ranked if one.patch.recipe == first.patch.recipe)
    assert "run 12 failed" in told.said


def test_a_killed_worker_is_gone_on_with_unchanged_and_a_warning_is_no_reason_to_act(run: RunDir) -> None:
    killed = by_itself(choices(run, _failed(found("other", check="death.killed")), []))
    assert killed is not None
    assert killed.patch == AGAIN
    warning = msgspec.structs.replace(found("truncation"), severity="warning")
    state = _failed(warning)
    assert by_itself(choices(run, state, [])) is None
    assert choices(run, state, [])


def test_what_was_tried_in_this_chain_gives_way(run: RunDir) -> None:
    state = _failed(found("nan_or_inf", step=40))
    first = choices(run, state, [])[0]
    before = [Tried(category="nan_or_inf", patch=first.patch, run="1", by="engine")]
    assert choices(run, state, [], before)[0].patch.recipe != first.patch.recipe


def _checkpoint(run: RunDir, step: int, loss: float, **settings: Any) -> None:
    folder = run.checkpoints / f"step-{step:08d}"
    folder.mkdir(parents=True)
    (folder / "adapter.bin").write_bytes(b"1234")
    values = msgspec.to_builtins(msgspec.structs.replace(parse(RECIPE).recipe, **settings))
    manifest = {"step": step, "losses": [loss], "settings": values, "files": {"adapter.bin": [4, "x"]}}
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def test_a_run_that_diverged_is_gone_on_with_from_before_it_did(run: RunDir) -> None:
    for step, loss in ((20, 2.0), (40, 1.5), (60, 3.0)):
        _checkpoint(run, step, loss)
    state = _failed(found("loss_spike_divergence", step=65))
    [lower, *_] = choices(run, state, [])
    assert lower.step == 40
    killed = choices(run, _failed(found("other", check="death.killed")), [])[0]
    assert killed.step == 60
    refused = choices(run, _failed(found("truncation")), [])[0]
    assert refused.patch.recipe == {"max_length": 2048}
    assert refused.step == 0, "rows that are cut elsewhere cannot be gone on with"


def test_a_torn_checkpoint_is_none(run: RunDir) -> None:
    _checkpoint(run, 20, 2.0)
    _checkpoint(run, 40, 1.0)
    (run.checkpoints / "step-00000040" / "adapter.bin").write_bytes(b"12")
    assert [manifest.step for _, manifest in saved.saved(run)] == [20]
    (run.checkpoints / "step-00000020" / "manifest.json").write_text("{")
    assert saved.best(run) is None


def test_a_start_offers_what_stops_and_spoils_but_no_opinions() -> None:
    file = parse(RECIPE)
    stops = found("target_modules_not_found", patch=Patch(label="a", recipe={"target_modules": "all-linear"}))
    spoils = found("truncation", patch=Patch(label="b", recipe={"max_length": 2048}))
    again = found("truncation", patch=Patch(label="c", recipe={"max_length": 4096}))
    opinion = found("hyperparameter", patch=Patch(label="d", recipe={"learning_rate": 1e-4}))
    warned = [msgspec.structs.replace(one, severity="warning") for one in (spoils, again, opinion)]
    shown = offered([stops, *warned], file.recipe)
    assert [one.patch.label for one in shown if one.patch] == ["a", "b"]
    after = mended(file, shown).recipe
    assert (after.target_modules, after.max_length) == ("all-linear", 2048)


def test_a_remedy_of_the_list_is_begun_against_the_finding_that_it_was_listed_for(run: RunDir) -> None:
    for step in (20, 40, 60):
        _checkpoint(run, step, 2.0)
    sure = msgspec.structs.replace(found("truncation"), severity="warning", confidence=1.0)
    diverged = found("loss_spike_divergence", step=50, confidence=0.6)
    failed = ev.Failed(run="1", steps=7, what="It failed.", findings=[sure, diverged])
    state = fold(some.lines(*some.started(), some.step(7, loss=2.0), failed))
    second = choices(run, state, [])[1]
    assert chosen(run, state, [], second.patch, None) == second
    typed = Patch(label="save_steps=5", recipe={"save_steps": 5})
    both = chosen(run, state, [], second.patch, typed)
    assert both is not None
    assert both.patch.recipe == {**second.patch.recipe, "save_steps": 5}
    assert (both.finding, both.step) == (second.finding, second.step)
    alone = chosen(run, state, [], None, typed)
    assert alone is not None
    assert alone.finding.severity == "blocker"


def test_what_begins_anew_does_so_with_a_field_typed_beside_it(run: RunDir) -> None:
    _checkpoint(run, 20, 2.0)
    state = _failed(found("checkpoint_resume"))
    choice = chosen(run, state, [], AFRESH, Patch(label="save_steps=5", recipe={"save_steps": 5}))
    assert choice is not None
    assert (choice.step, choice.said) == (0, "the same once more, from the beginning, save_steps=5")
    assert places(run, choice, parse(RECIPE).recipe) == []
