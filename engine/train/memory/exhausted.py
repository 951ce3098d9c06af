"""Tells memory that ran out from every other failure, and lets go of what the failed try held."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
import torch

from engine.text import one_line

_T = TypeVar("_T")

_SAID: Final = re.compile(r"out of memory|can(?:'|no)t allocate memory|_STATUS_ALLOC_FAILED|bad_alloc", re.I)
"""Only PyTorch's allocator for the GPU has a class for it; the CPU's, cuBLAS and drivers have words."""


class Shortage(msgspec.Struct, frozen=True):
    """Memory that ran out, in the words of whoever had none to give."""

    said: str


def out_of_memory(error: BaseException) -> bool:
    """True where `error` says that the device, or the machine, has no more memory to give."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or bool(_SAID.search(str(error)))


def attempted(work: Callable[[], _T]) -> _T | Shortage:
    """What `work` returns, or that memory ran out in it, with all that it held given back."""
    try:
        return work()
    except (RuntimeError, MemoryError, OSError) as error:
        if not out_of_memory(error):
            raise
        said = one_line(str(error), 300) or "The machine has no more memory to give."
    # The error is gone here, and with it the frames that held tensors.
    clear()
    return Shortage(said)


def clear() -> None:
    """Give back to the device what nobody uses."""
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
