"""What programs print is known by its mechanism, and weighed by where in a log it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.advisor.diagnose import diagnose
from engine.advisor.read.gather import case_of_files, case_of_text
from engine.advisor.rules.said.heard import heard
from engine.advisor.rules.said.needles import alternatives
from engine.advisor.rules.said.sayings import SAYINGS
from engine.findings import Finding
from tests.engine.advisor.told import told

PRINTED = told("printed")
NOISE = "\n".join(
    f"{{'loss': {2 - n / 500:.3f}, 'grad_norm': 1.0, 'learning_rate': 0.0001}}" for n in range(300)
)
TRACE = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    trainer.train()\n'


def first(text: str) -> Finding:
    return diagnose(case_of_text(text))[0]


def test_what_is_printed_is_put_into_its_category() -> None:
    missed = []
    for row in PRINTED:
        found = diagnose(case_of_text(row.text, row.config))
        if not found or found[0].category not in row.right:
            missed.append((row.right, row.text[:100]))
    assert missed == []


def test_each_saying_has_a_name_of_its_own_and_tells_what_to_do() -> None:
    assert len({saying.name for saying in SAYINGS}) == len(SAYINGS)
    for saying in SAYINGS:
        assert saying.title.endswith(".")
        assert saying.cause
        assert saying.do


def test_a_long_healthy_log_says_nothing() -> None:
    assert [f for f in diagnose(case_of_text(NOISE)) if f.severity == "blocker"] == []


def test_the_exception_at_the_end_counts_more_than_what_was_caught_before() -> None:
    text = f"""{TRACE}ModuleNotFoundError: No module named 'flash_attn'
going on without it
{NOISE}
{TRACE}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"""
    found = diagnose(case_of_text(text))
    assert found[0].category == "oom"
    assert found[0].evidence[0].startswith("line 309: torch.OutOfMemoryError")
    assert [f.category for f in found if f.severity == "blocker"] == ["oom"]


def test_a_launcher_that_tells_of_a_failed_process_is_not_the_cause() -> None:
    failed = f"{TRACE}RuntimeError: expected scalar type Half but found Float\n"
    launcher = (
        'Traceback (most recent call last):\n  File "/bin/accelerate", line 8, in <module>\n    main()\n'
    )
    ended = "subprocess.CalledProcessError: Command '['python', 'train.py']' returned non-zero exit status 1."
    assert first(failed + launcher + ended).category == "dtype_mismatch"


def test_the_first_exception_of_a_chain_tells_the_cause() -> None:
    text = f"""{TRACE}pyarrow.lib.ArrowInvalid: JSON parse error: Invalid value. in row 7

The above exception was the direct cause of the following exception:

{TRACE}datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset"""
    found = first(text)
    assert found.category == "dataset_encoding_or_parse"
    assert "line 4: pyarrow.lib.ArrowInvalid" in found.evidence[0]


@pytest.mark.parametrize(
    ("frame", "category"),
    [
        ("in training_step", "oom"),
        ("in evaluation_loop", "oom_at_checkpoint_or_eval"),
        ("in _save_checkpoint", "oom_at_checkpoint_or_eval"),
    ],
)
def test_the_frames_say_when_memory_ran_out(frame: str, category: str) -> None:
    frames = f'  File "/x/transformers/trainer.py", line 100, {frame}\n    work()\n'
    found = first(f"{TRACE}{frames}torch.OutOfMemoryError: CUDA out of memory.")
    assert found.category == category


@pytest.mark.parametrize(
    "frames",
    [
        '[rank1]: Traceback (most recent call last):\n[rank1]:   File "a.py", line 1, in f\n[rank1]: ',
        'Traceback (most recent call last):\nFile "a.py", line 1, in f\nsys.exit(main())\n',
        "ValueError      Traceback (most recent call last)\nCell In[16], line 1\n----> 1 trainer.train()\n\n",
        "╭──── Traceback (most recent call last) ────╮\n│ a.py:12 in main  │\n│ ❱ 12 │ train() │\n╰────╯\n",
    ],
    ids=["rank", "flush", "notebook", "boxed"],
)
def test_tracebacks_are_known_in_every_dress(frames: str) -> None:
    caught = f"{TRACE}ImportError: cannot import name 'x' from 'y'\n"
    ended = "ValueError: num_samples should be a positive integer value, but got num_samples=0"
    found = first(f"{caught}{frames}{ended}")
    assert found.category == "empty_or_tiny_dataset"


def test_an_exception_that_no_rule_knows_is_told_as_unknown() -> None:
    found = first(f"{TRACE}mylib.FrobnicationError: the frobnicator is jammed")
    assert (found.category, found.check) == ("other", "log.unexplained")
    assert found.confidence < 0.5
    assert "frobnicator is jammed" in found.evidence[0]


def test_other_causes_stay_possible_and_are_less_sure() -> None:
    found = heard(case_of_text("RuntimeError: CUDA error: device-side assert triggered"))
    assert found[0].category == "tokenizer_vocab_resize"
    assert 0.5 < found[0].confidence < 0.8
    assert all(other.severity != "blocker" for other in found[1:])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_heard_without_a_failure(text: str) -> None:
    for finding in heard(case_of_text(text)):
        assert 0 <= finding.confidence <= 1


def test_the_warnings_of_a_healthy_log_are_no_failure() -> None:
    found = diagnose(case_of_files(log=Path(__file__).with_name("healthy.log")))
    assert [f.title for f in found if f.severity != "note" and f.confidence > 0.4] == []
    assert not any(f.severity == "blocker" for f in found)


def test_words_by_which_a_log_is_searched_stand_in_all_that_their_expression_matches() -> None:
    text = "\n".join(row.text for row in PRINTED)
    for saying in SAYINGS:
        for words, expression in alternatives(saying.says):
            assert words, f"{saying.name}: {expression.pattern}"
            for found in expression.finditer(text):
                assert any(word in found[0].lower() for word in words), expression.pattern


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("CUDA out of memory", {"cuda out of memory"}),
        (r"\bsize (?:mis)?match for [\w.]+", {"match for "}),
        (r"(?:not|never) found", {" found"}),
        (r"(?:first|second)\d*", {"first", "second"}),
        (r"colou?r{2}s+", {"colo"}),
        (r"a|b", set()),
    ],
)
def test_the_words_of_an_expression(pattern: str, words: set[str]) -> None:
    first, _ = alternatives(pattern)[0]
    assert first == words
