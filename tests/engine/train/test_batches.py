"""How rows become steps: every row once an epoch, every cut the same loss and gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.data import ModelTokenizer, prepare
from engine.job import Job
from engine.schedule import learning_rate, warmup_steps
from engine.train.batches.collate import PADDED, Collator
from engine.train.batches.cut import packed, padded, share
from engine.train.batches.feed import Feed, Position, planned_steps
from engine.train.machine import Machine
from engine.train.model.student import student_of
from engine.train.objectives.loss import LabelledOnly, summed_loss

LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=60)


@given(lengths=LENGTHS, budget=st.integers(1, 512))
def test_a_cut_holds_every_row_once_and_keeps_the_budget(lengths: list[int], budget: int) -> None:
    pieces = padded(range(len(lengths)), lengths.__getitem__, budget)
    assert sorted(row for piece in pieces for row in piece) == list(range(len(lengths)))
    for piece in pieces:
        assert len(piece) == 1 or len(piece) * max(lengths[row] for row in piece) <= budget


@given(lengths=LENGTHS, world=st.integers(1, 8))
def test_ranks_share_every_row_once_and_evenly(lengths: list[int], world: int) -> None:
    shares = [share(range(len(lengths)), lengths.__getitem__, rank, world) for rank in range(world)]
    assert sorted(row for mine in shares for row in mine) == list(range(len(lengths)))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(rows=st.integers(1, 50), first=st.integers(1, 60), later=st.integers(1, 60), seed=st.integers(0, 99))
def test_every_row_once_an_epoch_even_if_the_batch_size_changes(
    rows: int, first: int, later: int, seed: int
) -> None:
    taken, at = Feed(rows, first, seed).take(Position())
    rest = Feed(rows, later, seed)
    while at.epoch == 0:
        more, at = rest.take(at)
        taken += more
    assert sorted(taken) == list(range(rows))
    assert taken == Feed(rows, rows, seed).take(Position())[0]


def test_epochs_differ_in_order_and_are_repeatable() -> None:
    feed = Feed(50, 50, 1)
    first, second = feed.take(Position(0))[0], feed.take(Position(1))[0]
    assert first != second
    assert feed.take(Position(0))[0] == first


@pytest.mark.parametrize(("epochs", "most", "steps"), [(1, -1, 5), (1.5, -1, 8), (3, 7, 7), (0.01, -1, 1)])
def test_steps_are_counted_as_transformers_counts_them(epochs: float, most: int, steps: int) -> None:
    assert planned_steps(Feed(36, 8, 0), epochs, most) == steps


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_rates_after_warmup_are_those_of_transformers(kind: str) -> None:
    from transformers import get_scheduler

    names = {"constant": "constant_with_warmup"}
    adam = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = get_scheduler(names.get(kind, kind), adam, num_warmup_steps=6, num_training_steps=40)
    for step in range(1, 41):
        ours = learning_rate(step, peak=0.5, steps=40, warmup=6, kind=kind)
        expected = adam.param_groups[0]["lr"]
        if step > 6:
            assert ours == pytest.approx(expected, abs=1e-12)
        else:
            assert expected < ours <= 0.5, "warm-up does not spend a step on a rate of 0"
        adam.step()
        theirs.step()
    assert warmup_steps(40, 0.15) == 6


@pytest.mark.parametrize("which", ["llama", "gpt2"])
def test_every_cut_gives_the_same_loss_and_gradients(
    which: str, job: Callable[..., Job], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    made = job(model=str(folder))
    machine = Machine(made)
    student = student_of(made, machine)
    for name, parameter in student.peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    tokenizer = ModelTokenizer(folder)
    data = prepare(made.recipe, tokenizer).train
    collator = Collator(data, tokenizer.pad, machine.device, PADDED)
    found = []
    for budget in (1, 70, 200, 10_000):
        student.peft.zero_grad()
        total = 0.0
        for piece in padded(range(12), data.length, budget):
            loss = summed_loss(student.peft, student.labelled, collator.micro(piece))
            loss.backward()
            total += loss.item()
        found.append((total, [p.grad.clone() for p in student.parameters if p.grad is not None]))
    for total, gradients in found[1:]:
        assert total == pytest.approx(found[0][0], rel=1e-5)
        for mine, first in zip(gradients, found[0][1], strict=True):
            torch.testing.assert_close(mine, first, rtol=1e-3, atol=1e-4)


def test_logits_only_at_labels_give_the_loss_of_all_logits(job: Callable[..., Job], llama: Path) -> None:
    made = job()
    student = student_of(made, Machine(made))
    tokenizer = ModelTokenizer(llama)
    data = prepare(made.recipe, tokenizer).train
    micro = Collator(data, tokenizer.pad, torch.device("cpu"), PADDED).micro([0, 1, 2])
    ours = summed_loss(student.peft, student.labelled, micro)
    logits = student.peft(input_ids=micro.ids, attention_mask=micro.attention).logits
    labels = torch.full_like(micro.ids, -100)
    for at, row in enumerate([0, 1, 2]):
        ids, mask = data.row(row)
        for place, (token, learnt) in enumerate(zip(ids, mask, strict=True)):
            if learnt:
                labels[at, place] = token
    shifted = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), reduction="sum"
    )
    assert ours.item() == pytest.approx(shifted.item(), rel=1e-5)
    assert student.labelled.logits(student.peft, micro).shape == (micro.targets.numel(), logits.shape[-1])


def test_a_model_without_an_output_layer_to_hook_still_works(job: Callable[..., Job], llama: Path) -> None:
    made = job()
    student = student_of(made, Machine(made))
    tokenizer = ModelTokenizer(llama)
    micro = Collator(prepare(made.recipe, tokenizer).train, 0, torch.device("cpu"), PADDED).micro([0, 1])
    bare = summed_loss(student.peft, LabelledOnly(None), micro)
    assert bare.item() == pytest.approx(summed_loss(student.peft, student.labelled, micro).item(), rel=1e-6)


@given(lengths=st.lists(st.integers(2, 64), min_size=1, max_size=40), budget=st.integers(1, 200))
def test_packed_pieces_hold_every_row_once_and_no_more_than_the_budget(
    lengths: list[int], budget: int
) -> None:
    pieces = packed(range(len(lengths)), lengths.__getitem__, budget)
    assert sorted(row for piece in pieces for row in piece) == list(range(len(lengths)))
    for piece in pieces:
        assert sum(lengths[row] for row in piece) <= budget or len(piece) == 1
    assert len(pieces) <= len(padded(range(len(lengths)), lengths.__getitem__, budget)) + 1
