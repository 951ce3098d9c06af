"""What people say in plain words is understood by what it means, and not by how it is put."""

from __future__ import annotations

from importlib import resources
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.advisor.case import Case
from engine.advisor.diagnose import diagnose
from engine.advisor.rules.described.causes import CAUSES
from engine.advisor.rules.described.hints import HINTS
from engine.advisor.rules.described.ideas import IDEAS
from engine.advisor.rules.described.signs import SIGNS
from engine.advisor.rules.described.weigh import described
from tests.engine.advisor.told import Told, told


def _right(rows: list[Told]) -> float:
    first = [next(iter(diagnose(row.case)), None) for row in rows]
    return sum(f is not None and f.category in row.right for f, row in zip(first, rows, strict=True)) / len(
        rows
    )


def test_descriptions_are_put_into_the_right_category_first_held_out_ones_too() -> None:
    rows = told("described")
    assert _right([row for row in rows if not row.held_out]) >= 0.9
    assert _right([row for row in rows if row.held_out]) >= 0.85


def test_every_category_that_a_log_can_show_is_understood_at_least_once() -> None:
    rows = told("described")
    understood = {row.right[0] for row in rows if _right([row])}
    assert understood == {row.right[0] for row in rows} == CAUSES.keys()


def test_signs_and_hints_speak_of_ideas_and_causes_that_exist() -> None:
    named = chain.from_iterable(f"{sign.needs} {sign.unless}".replace("|", " ").split() for sign in SIGNS)
    assert set(named) <= IDEAS.keys()
    assert {sign.category for sign in SIGNS} == CAUSES.keys()
    assert {hint.category for hint in HINTS} <= CAUSES.keys()


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("It runs out of memory.", "oom"),
        ("It runs out of memory while evaluating.", "oom_at_checkpoint_or_eval"),
        ("It runs out of memory as the checkpoint is saved.", "oom_at_checkpoint_or_eval"),
        ("The answers are gibberish.", "garbage_after_training"),
        ("The answers are gibberish after merging.", "merge_mismatch"),
        ("The answers are gibberish in Ollama.", "gguf_export"),
        ("The loss jumps up.", "loss_spike_divergence"),
        ("The loss jumps up after resuming.", "checkpoint_resume"),
        ("The eval loss goes up while the train loss goes down.", "overfit_memorising"),
    ],
)
def test_the_phase_in_which_it_happened_decides(said: str, category: str) -> None:
    assert diagnose(Case(lines=[said]))[0].category == category


def test_a_setting_adds_to_what_was_said_and_never_speaks_alone() -> None:
    said, config = ["Generation never stops."], {"pad_token": "= eos_token"}
    without, beside = diagnose(Case(lines=said))[0], diagnose(Case(lines=said, config=config))[0]
    assert beside.confidence > without.confidence
    assert any("pad_token" in line for line in beside.evidence)
    assert list(described(Case(config=config))) == []


def test_what_says_nothing_of_a_failure_raises_nothing() -> None:
    for said in ("Thanks for the excellent work!", "The run is finished.", "How do I set the seed?"):
        assert list(described(Case(lines=[said]))) == []


def test_the_examples_that_are_learnt_from_are_not_those_of_the_test() -> None:
    learnt = resources.files("engine.advisor.rules.described").joinpath("examples.txt").read_text("utf-8")
    lines = [line for line in learnt.splitlines() if not line.startswith("#")]
    assert {line.partition(": ")[0] for line in lines} == CAUSES.keys()
    assert not {line.partition(": ")[2] for line in lines} & {row.text for row in told("described")}


def test_a_healthy_log_of_a_few_lines_is_not_taken_for_a_description() -> None:
    log = [
        "***** Running training *****",
        "  Num examples = 52,002",
        "{'loss': 1.42, 'grad_norm': 0.81, 'epoch': 0.1}",
        "{'eval_loss': 1.15, 'eval_runtime': 12.3}",
        "Saving model checkpoint to out/checkpoint-500",
        "tokenizer config file saved in out/checkpoint-500/tokenizer_config.json",
    ]
    assert [finding for finding in diagnose(Case(lines=log)) if finding.severity != "note"] == []


def test_a_long_log_and_a_run_of_ours_are_no_descriptions() -> None:
    assert list(described(Case(lines=["the loss is nan"] * 50))) == []
    assert list(described(Case(lines=["the loss is nan"], ours=True))) == []


@given(st.text(max_size=400))
def test_whatever_is_said_the_answer_is_in_order(text: str) -> None:
    found = list(described(Case(lines=text.split("\n"))))
    assert all(0 < finding.confidence < 1 and finding.evidence for finding in found)
    assert [f.confidence for f in found] == sorted((f.confidence for f in found), reverse=True)
