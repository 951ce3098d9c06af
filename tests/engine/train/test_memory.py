"""Memory that runs out: the same batch in smaller pieces, then computed twice, then a reasoned end."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import torch

from engine import events as ev
from engine import faults
from engine.train import ending, loop
from engine.train.looking import looks
from engine.train.memory import checkpointing
from engine.train.memory.exhausted import Shortage, attempted
from engine.train.objectives import supervised
from engine.train.objectives.loss import summed_loss
from engine.train.saving.checkpoint import newest
from engine.train.session import Session
from tests.engine.train.conftest import Run, Start, sentence
from tests.engine.train.test_resume import assert_same

_ALONE: Final = "TEST_ALONE"
_M_MMAP_THRESHOLD: Final = -3
DROPS: dict[str, Any] = {"lora_dropout": 0.2, "save_steps": 3}


@pytest.fixture
def inject() -> Iterator[Callable[[str], None]]:
    """Arms the loop in this process."""

    def arm(words: str) -> None:
        faults.arm(faults.asked({faults.VARIABLE: words}), lambda event: None)

    yield arm
    faults.arm([], lambda event: None)


def oom_findings(run: Run) -> list[str]:
    return [finding.title for finding in run.end.findings if finding.category == "oom"]


def with_budget(monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    """Every run from now on begins with micro-batches of at most `tokens`."""
    opened = loop.open_session

    def smaller(*args: Any) -> Session:
        session = opened(*args)
        session.budget = tokens
        return session

    monkeypatch.setattr(loop, "open_session", smaller)


def fails_where(monkeypatch: pytest.MonkeyPatch, short: Callable[[Any, Any], bool]) -> None:
    """Let memory run out in every micro-batch of which `short`, given model and micro-batch, is true."""

    def tight(model: Any, labelled: Any, micro: Any) -> torch.Tensor:
        if torch.is_grad_enabled() and short(model, micro):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return summed_loss(model, labelled, micro)

    monkeypatch.setattr(supervised, "summed_loss", tight)


def test_a_step_done_again_is_bit_for_bit_the_step_of_a_run_that_was_cut_so_from_the_start(
    start: Start, inject: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout included: what the failed try drew is drawn again."""
    inject("oom@1")
    tight = start("tight", **DROPS)
    checkpoint, _ = newest(tight.job.checkpoints)
    assert checkpoint is not None
    assert len(oom_findings(tight)) == 1
    with_budget(monkeypatch, checkpoint.manifest.budget)
    plain = start("plain", **DROPS)
    assert oom_findings(plain) == []
    assert tight.losses == plain.losses
    assert_same(tight, plain)


def test_where_one_row_is_too_much_layers_are_computed_twice_and_nothing_changes(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_budget(monkeypatch, 1)
    plain = start("plain", **DROPS)
    with monkeypatch.context() as short:
        fails_where(short, lambda model, micro: not checkpointing.is_on(model))
        tight = start("tight", **DROPS)
    assert isinstance(tight.end, ev.Finished), tight.end
    [title] = oom_findings(tight)
    assert "gradient checkpointing is on" in title
    assert tight.losses == plain.losses
    assert_same(tight, plain)


def test_a_resumed_run_goes_on_as_memory_allowed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(model: Any, micro: Any) -> bool:
        return not checkpointing.is_on(model)

    fails_where(monkeypatch, short)
    whole = start("whole", **DROPS)
    first = start("broken", (2, "interrupt"), **DROPS)
    assert isinstance(first.end, ev.Failed)
    second = start("broken", **DROPS)
    assert oom_findings(second) == [], "it need not learn again what fits"
    assert_same(whole, second)


def test_what_fits_in_no_way_ends_the_run_with_what_to_change(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_where(monkeypatch, lambda model, micro: True)
    run = start(max_length=128)
    assert isinstance(run.end, ev.Failed)
    finding = run.end.findings[-1]
    assert (finding.category, finding.severity) == ("oom", "blocker")
    assert "One row of" in finding.cause
    assert "Tried to allocate 2.00 GiB" in finding.cause
    assert finding.patch is None or "max_length" in finding.patch.recipe
    assert not run.job.adapter.exists()
    assert run.of(ev.Step) == [], "no weight was changed by half a batch"


def test_what_is_held_by_the_failed_try_is_given_back() -> None:
    freed: list[bool] = []

    class Held:
        def __del__(self) -> None:
            freed.append(True)

    def work() -> None:
        held = [Held()]
        held.append(held)  # type: ignore[arg-type]
        torch.empty(1 << 50)

    assert isinstance(attempted(work), Shortage)
    assert freed == [True]


def test_what_is_no_shortage_of_memory_is_raised() -> None:
    def work() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        attempted(work)


def _passes_alone(test: str) -> None:
    """Run a test in a process of its own: what one of many tests holds ready would hide a limit."""
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{test}"]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        call, env={**os.environ, _ALONE: "1"}, cwd=root, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout


def test_a_process_that_really_has_no_more_finishes_with_the_same_losses(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is the kernel's, on this process's address space; the allocator is PyTorch's."""
    if _ALONE not in os.environ:
        _passes_alone("test_a_process_that_really_has_no_more_finishes_with_the_same_losses")
        return
    path = tmp_path / "many.jsonl"
    lines = [{"text": sentence(i, 80)} for i in range(128)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    large: dict[str, Any] = {
        "data": str(path), "eval_split": 0.0, "max_length": 128, "max_steps": 2,
        "per_device_train_batch_size": 128, "gradient_accumulation_steps": 1,
    }  # fmt: skip
    # Freed memory goes back to the kernel, so that none waits in the heap below the limit.
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 17)
    plain = start("plain", **large)
    assert plain.of(ev.Step)[0].micro_batches == 1
    before = resource.getrlimit(resource.RLIMIT_AS)
    opened = loop.open_session

    room = 0

    def limited(*args: Any) -> Session:
        session = opened(*args)
        limit = psutil.Process().memory_info().vms + (room << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
        return session

    monkeypatch.setattr(loop, "open_session", limited)
    # How much a process of many tests holds ready differs; the widest limit that is felt is the one.
    for room in (24, 16, 12, 8, 6, 4):
        try:
            tight = start(f"tight-{room}", **large)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
        if oom_findings(tight) or not isinstance(tight.end, ev.Finished):
            break
    assert isinstance(tight.end, ev.Finished), tight.end
    assert oom_findings(tight)
    assert tight.of(ev.Step)[0].micro_batches > 1
    assert tight.losses == pytest.approx(plain.losses, rel=1e-5)


def test_a_held_out_row_that_never_fits_ends_a_run_before_it_begins(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_fails(monkeypatch)
    run = start()
    assert isinstance(run.end, ev.Failed)
    finding = run.end.findings[-1]
    assert (finding.category, finding.severity) == ("oom_at_checkpoint_or_eval", "blocker")
    assert "One held-out row of" in finding.cause
    assert run.of(ev.Step) == []


def test_an_evaluation_that_no_longer_fits_is_left_out_and_the_run_goes_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = start("plain", eval_steps=2)
    with monkeypatch.context() as short:
        evaluation_fails(short, after=1)
        run = start("tight", eval_steps=2)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses == plain.losses
    assert 0 < len(run.of(ev.Evaluated)) < len(plain.of(ev.Evaluated))
    assert "left out" in run.end.findings[-1].title


def evaluation_fails(monkeypatch: pytest.MonkeyPatch, after: int = -1) -> None:
    """Let memory run out in every evaluation after that step."""
    steps = [0]
    measured = looks.measure

    def tight(model: Any, *args: Any) -> torch.Tensor:
        if not model.training and steps[-1] > after:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return summed_loss(model, *args)

    def seen(session: Session) -> bool:
        steps.append(session.step)
        return measured(session)

    monkeypatch.setattr(supervised, "summed_loss", tight)
    monkeypatch.setattr(loop, "measure", seen)
    monkeypatch.setattr(ending, "measure", seen)
