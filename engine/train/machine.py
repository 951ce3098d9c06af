"""The device a job computes on, its precision, and the ranks it shares the work with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Final, Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs

from engine.data.refusal import Refusal
from engine.findings import Finding, Patch
from engine.job import Job
from engine.leases.asked import asked

_PATIENCE: Final = timedelta(days=30)
"""How long ranks wait for each other, as in a pause; one that dies is noticed by who leads them."""
Precision = Literal["fp32", "bf16", "fp16"]
_TOGETHER: Final = 8 << 20
"""Numbers that ranks send each other at once, as many as DistributedDataParallel does."""


class Machine:
    """One rank's device, and how it speaks with the other ranks.

    Attributes:
        precision: of the matrix products; the adapter and the loss are fp32 always.
        compute: the same as a dtype.
        dtype: of the frozen weights, 16-bit only on an accelerator.
        sharded: the base is spread over the ranks, and a forward pass needs all of them.
        findings: what was wished of the precision and is not granted.
    """

    def __init__(self, job: Job) -> None:
        wanted = "cpu" if job.device == "auto" and asked(job.recipe.devices).cpu else job.device
        if not torch.distributed.is_initialized():
            # accelerate keeps the first device it was given for the whole process, and a worker may
            # serve several jobs.
            AcceleratorState._reset_state(reset_partial_state=True)
        if wanted.startswith("cuda"):
            _take_card()
        cpu = wanted.startswith("cpu") or not torch.cuda.is_available()
        waits = InitProcessGroupKwargs(timeout=_PATIENCE)
        self.sharded = False
        self.accelerator = Accelerator(cpu=cpu, mixed_precision="no", kwargs_handlers=[waits])
        self.device: torch.device = self.accelerator.device
        self.rank = int(self.accelerator.process_index)
        self.world = int(self.accelerator.num_processes)
        self.precision = _precision(job.recipe.mixed_precision, self.device)
        narrow = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        self.compute = narrow[self.precision]
        self.dtype = self.compute if self.device.type != "cpu" else torch.float32
        # What the hosts agree on must not wait for their devices.
        self._hosts = (
            torch.distributed.new_group(backend="gloo", timeout=_PATIENCE) if self.world > 1 else None
        )
        on_old_card = job.recipe.mixed_precision == "auto" and self.device.type == "cuda"
        self.findings = [_without_bf16(self.name)] if on_old_card and self.precision == "fp32" else []

    @property
    def name(self) -> str:
        """The device for people, with how many ranks there are of it."""
        card = self.device.type == "cuda"
        name = str(torch.cuda.get_device_name(self.device)) if card else self.device.type
        return name if self.world == 1 else f"{self.world} x {name}"

    def autocast(self) -> AbstractContextManager[object]:
        """Computes in `precision` inside."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.compute)

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of `value` over all ranks, on every rank."""
        if self.world == 1:
            return value
        summed: torch.Tensor = self.accelerator.reduce(value, reduction="sum")
        return summed

    def begin_alike(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Give every rank the values of rank 0."""
        if self.world > 1:
            for parameter in parameters:
                torch.distributed.broadcast(parameter.data, 0)

    def add_up(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Make every rank's gradients the sum of all ranks'."""
        if self.world == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for bucket in _buckets([p.grad for p in parameters if p.grad is not None]):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            torch.distributed.all_reduce(flat)
            summed = torch.split(flat, [gradient.numel() for gradient in bucket])
            torch._foreach_copy_(bucket, [new.view_as(old) for new, old in zip(summed, bucket, strict=True)])

    def least(self, mine: int) -> int:
        """The smallest of all ranks' values, on every rank, without a wait for any device."""
        if self._hosts is None:
            return mine
        value = torch.tensor(mine)
        torch.distributed.all_reduce(value, torch.distributed.ReduceOp.MIN, self._hosts)
        return int(value)

    def told(self, figures: Sequence[float]) -> list[float]:
        """Rank 0's figures, on every rank, without a wait for any device."""
        value = torch.tensor(figures, dtype=torch.float64)
        if self._hosts is not None:
            torch.distributed.broadcast(value, 0, self._hosts)
        return value.tolist()

    def together(self, passes: int) -> int:
        """Forward passes that this rank has to make beside its own, so that all ranks make as many."""
        return -self.least(-passes) - passes if self.sharded else 0

    def any(self, *, mine: bool) -> bool:
        """True where it is so on any rank; every rank is here once this returns."""
        return self.least(int(not mine)) == 0

    def wait(self) -> None:
        """Wait until every rank is here."""
        if self.world > 1:
            self.accelerator.wait_for_everyone()


def _buckets(gradients: list[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Gradients of one type, a few million numbers a message, so that they take little memory twice."""
    bucket: list[torch.Tensor] = []
    held = 0
    for gradient in gradients:
        held += gradient.numel()
        if bucket and (held > _TOGETHER or gradient.dtype != bucket[0].dtype):
            yield bucket
            bucket, held = [], gradient.numel()
        bucket.append(gradient)
    yield bucket


def _take_card() -> None:
    """Compute on this rank's card: of those that were leased, which alone are shown."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(os.environ.get("LOCAL_RANK", 0))
    if index >= count:
        raise Refusal(
            "cuda_driver_or_arch",
            "PyTorch does not see the card.",
            where="recipe: devices",
            why=f"PyTorch {torch.__version__} sees {count} CUDA devices; rank {index} needs one of its own.",
            do="Set `devices: cpu`, or install a PyTorch built for this machine's driver.",
        )
    torch.cuda.set_device(index)


def _without_bf16(card: str) -> Finding:
    return Finding(
        category="bf16_unsupported",
        severity="note",
        title="The card has no bf16, and the run computes in fp32",
        evidence=[card],
        cause="bf16 needs compute capability 8.0 (Ampere) or newer; fp16 overflows in models made in bf16.",
        remedy="mixed_precision: fp16 takes half of the time; a model made in bf16 may turn into NaN.",
        patch=Patch(label="mixed_precision auto -> fp16", recipe={"mixed_precision": "fp16"}),
    )


def _precision(wanted: str, device: torch.device) -> Precision:
    if wanted == "no":
        return "fp32"
    able = device.type == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "auto":
        return "bf16" if able and device.type == "cuda" else "fp32"
    if wanted == "bf16" and not able:
        raise Refusal(
            "bf16_unsupported",
            "This device cannot compute in bf16.",
            where="recipe: mixed_precision",
            why="bf16 needs compute capability 8.0 (Ampere) or newer.",
            do="Set mixed_precision to auto or fp16.",
        )
    return "fp16" if wanted == "fp16" else "bf16"
