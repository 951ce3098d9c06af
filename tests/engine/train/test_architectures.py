"""The loop on every architecture: it learns, resumes, samples, and leaves what plain peft loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine import events as ev
from engine.data import ModelTokenizer, prepare
from engine.job import Job
from engine.model.architectures import ARCHITECTURES
from engine.model.context import context_of
from engine.recipe.recipe import Recipe
from engine.train.batches.collate import PACKED, PADDED, Collator
from engine.train.looking.sample import continued
from engine.train.machine import Machine
from engine.train.model.student import Student, student_of
from engine.train.objectives.loss import LabelledOnly, summed_loss
from tests.engine.train.conftest import Run
from tests.engine.train.zoo import ZOO, made

IDS = [1, 40, 50, 60, 70, 45, 55, 65, 75, 41, 51, 61, 71, 46, 56, 66, 76, 42, 52, 62]
"""More than a window of sliding attention."""


class Narrow(Machine):
    """A CPU that holds the frozen weights as an accelerator would."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.dtype = torch.bfloat16


@pytest.fixture(scope="module", params=list(ZOO))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str, tmp_path_factory: pytest.TempPathFactory, tokenizer_files: dict[str, str]) -> Path:
    return made(kind, tmp_path_factory.mktemp(kind), tokenizer_files)


@pytest.fixture(scope="module")
def whole(model: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was never broken, its first step evaluated and sampled."""
    return Run(_job(tmp_path_factory.mktemp("whole"), model, rows, sample_steps=8, eval_steps=8))


def _job(folder: Path, model: Path, rows: Path, **changes: object) -> Job:
    small = {
        "model": str(model), "data": str(rows), "max_length": 64, "lora_r": 4, "lora_alpha": 8.0,
        "learning_rate": 2e-2, "max_steps": 8, "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2, "eval_steps": 0, "sample_steps": 0, "save_steps": 0,
        "eval_split": 0.1, "sample_max_new_tokens": 4,
    }  # fmt: skip
    return Job(run="run", folder=folder, recipe=Recipe(**{**small, **changes}), device="cpu")


def test_learns_evaluates_and_samples(kind: str, whole: Run) -> None:
    assert isinstance(whole.end, ev.Finished), whole.end
    first, last = whole.of(ev.Evaluated)[0], whole.of(ev.Evaluated)[-1]
    assert last.loss < first.loss - 0.2
    assert {s.step for s in whole.of(ev.Sampled)} == {0, 8}
    [plan] = whole.of(ev.Planned)
    parts = ARCHITECTURES[ZOO[kind][0]]
    assert plan.targets == [*parts.attention, *parts.mlp]
    assert plan.rank == 4
    assert plan.layers == 2 * len(plan.targets)


def test_resumed_equals_unbroken(model: Path, whole: Run, rows: Path, tmp_path: Path) -> None:
    job = _job(tmp_path, model, rows)
    assert Run(job, (3, "interrupt")).end.resumable
    again = Run(job)
    assert again.of(ev.Resumed)
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, again.weights()[name]), name


def test_plain_peft_gives_the_same_logits_and_the_next_run_goes_on_from_them(
    model: Path, whole: Run, rows: Path, tmp_path: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([IDS])
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    before = base(ids).logits
    learnt = PeftModel.from_pretrained(base, str(whole.job.adapter)).eval()
    after = learnt(ids).logits
    assert not torch.allclose(before, after)

    job = _job(tmp_path, model, rows, adapter=str(whole.job.adapter))
    student = student_of(job, Machine(job))
    student.peft.eval()
    torch.testing.assert_close(student.peft(ids).logits, after, rtol=1e-4, atol=1e-4)
    assert student.laid.rank == 4
    assert not student.laid.findings


PACK = {
    "gpt2", "mistral", "llama", "qwen2", "qwen3", "gemma", "gemma3", "phi", "phi3", "opt", "gpt_neox",
    "cohere",
}  # fmt: skip
"""Their attention takes the rows' lengths; the others' is their own, or capped."""


def test_logits_at_labels_are_those_of_the_whole_model(model: Path, rows: Path, tmp_path: Path) -> None:
    """Scaled, capped, projected and tied heads included: loss and gradient are those of all positions."""
    student, collator = _student(model, rows, tmp_path)
    student.peft.eval()
    micro = collator.micro([0, 1, 2, 3])
    assert micro.attention is not None
    few = summed_loss(student.peft, student.labelled, micro)
    few.backward()
    gradients = [p.grad.clone() for p in student.parameters]
    for parameter in student.parameters:
        parameter.grad = None
    summed_loss(student.peft, LabelledOnly(None), micro).backward()
    everywhere = student.peft(input_ids=micro.ids, attention_mask=micro.attention).logits
    chances = torch.log_softmax(everywhere.float().reshape(-1, everywhere.shape[-1])[micro.keep], dim=-1)
    assert few.item() == pytest.approx(-chances.gather(1, micro.targets[:, None]).sum().item(), rel=1e-5)
    for seen, parameter in zip(gradients, student.parameters, strict=True):
        torch.testing.assert_close(seen, parameter.grad, rtol=1e-3, atol=1e-4)


def test_padding_changes_no_row(model: Path, rows: Path, tmp_path: Path) -> None:
    student, collator = _student(model, rows, tmp_path)
    student.peft.eval()
    together = summed_loss(student.peft, student.labelled, collator.micro([0, 1, 2, 3]))
    alone = sum(summed_loss(student.peft, student.labelled, collator.micro([row])) for row in range(4))
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_rows_end_to_end_learn_what_they_learn_alone(
    kind: str, model: Path, rows: Path, tmp_path: Path
) -> None:
    """Longer rows than a sliding window, rotary, learned and grouped heads included."""
    student, padded = _student(model, rows, tmp_path)
    assert student.packs == (kind in PACK)
    if not student.packs:
        return
    student.peft.eval()
    packed = Collator(padded.data, 0, torch.device("cpu"), PACKED)
    found = []
    for micros in ([packed.micro([0, 1, 2, 3])], [padded.micro([row]) for row in range(4)]):
        losses = [summed_loss(student.peft, student.labelled, micro) for micro in micros]
        for loss in losses:
            loss.backward()
        found.append((sum(loss.item() for loss in losses), [p.grad.clone() for p in student.parameters]))
        student.peft.zero_grad()
    (together, gradients), (alone, expected) = found
    assert together == pytest.approx(alone, rel=1e-5)
    for seen, right in zip(gradients, expected, strict=True):
        torch.testing.assert_close(seen, right, rtol=1e-3, atol=1e-3)


def test_a_cached_answer_is_the_uncached_one(model: Path, rows: Path, tmp_path: Path) -> None:
    student, _ = _student(model, rows, tmp_path)
    job = _job(tmp_path, model, rows)
    machine = Machine(job)
    cached = continued(student, IDS, machine, new_tokens=6, stops=frozenset())
    student.peft.eval()
    ids = list(IDS)
    with torch.no_grad():
        for _ in range(6):
            logits = student.peft(input_ids=torch.tensor([ids]), use_cache=False).logits
            ids.append(int(logits[0, -1].argmax()))
    assert cached == ids[len(IDS) :]


def test_checkpointed_activations_give_the_same_gradient(model: Path, rows: Path, tmp_path: Path) -> None:
    found = []
    for checkpointing in (False, True):
        student, collator = _student(model, rows, tmp_path, gradient_checkpointing=checkpointing)
        torch.manual_seed(3)
        summed_loss(student.peft, student.labelled, collator.micro([0, 1])).backward()
        found.append([p.grad for p in student.parameters])
    for plain, thrifty in zip(*found, strict=True):
        torch.testing.assert_close(plain, thrifty, rtol=1e-4, atol=1e-5)


def test_half_precision_weights_learn_as_on_a_card(
    model: Path, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the frozen weights are 16-bit and the adapter is not: masks and biases have to agree."""
    monkeypatch.setattr("engine.train.opening.Machine", Narrow)
    changes = {"mixed_precision": "bf16", "gradient_checkpointing": True, "max_steps": 6, "sample_steps": 6}
    run = Run(_job(tmp_path, model, rows, **changes))
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0]
    assert {tensor.dtype for tensor in run.weights().values()} == {torch.float32}


def test_the_configuration_tells_the_context(model: Path) -> None:
    assert context_of(model) == 128


def _student(model: Path, rows: Path, folder: Path, **changes: object) -> tuple[Student, Collator]:
    job = _job(folder, model, rows, **changes)
    machine = Machine(job)
    student = student_of(job, machine)
    torch.manual_seed(1)
    for parameter in student.parameters:
        parameter.data.normal_(0.0, 0.05)
    data = prepare(job.recipe, ModelTokenizer(model)).train
    return student, Collator(data, 0, machine.device, PADDED)
