"""Samples: what a plain argmax over the whole text gives, and no random number of the training's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.data import ModelTokenizer
from engine.job import Job
from engine.train.looking.sample import continued, spoken
from engine.train.machine import Machine
from engine.train.model.student import Student, student_of

PROMPT = [1, 40, 50, 60]


def greedy(student: Student, new: int) -> list[int]:
    ids = list(PROMPT)
    student.peft.eval()
    for _ in range(new):
        ids.append(int(student.peft(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(PROMPT) :]


@pytest.mark.parametrize("which", ["llama", "gpt2"])
def test_the_cache_changes_nothing(
    which: str, job: Callable[..., Job], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    made = job(model=str(folder))
    machine = Machine(made)
    student = student_of(made, machine)
    expected = greedy(student, 12)
    student.peft.train()
    assert continued(student, PROMPT, machine, new_tokens=12, stops=frozenset()) == expected
    assert student.peft.training
    assert continued(student, PROMPT, machine, new_tokens=12, stops=frozenset(expected)) == []
    assert len(continued(student, PROMPT, machine, new_tokens=12, stops=frozenset(), context=9)) == 5


def test_drawn_samples_have_a_generator_of_their_own(job: Callable[..., Job]) -> None:
    made = job()
    machine = Machine(made)
    student = student_of(made, machine)
    before = torch.get_rng_state()

    def draw(seed: int) -> list[int]:
        return continued(
            student, PROMPT, machine, new_tokens=20, stops=frozenset(), temperature=1.0, seed=seed
        )

    assert draw(1) == draw(1) != draw(2)
    assert torch.equal(before, torch.get_rng_state())


def test_the_space_between_prompt_and_answer_is_kept(llama: Path) -> None:
    tokenizer = ModelTokenizer(llama)
    ids = tokenizer.encode("the quick brown fox", special=True)
    before, text = spoken(tokenizer, ids[:3], ids[3:])
    assert before + text == "the quick brown fox"
