"""Tells memory that ran out from every other failure."""

from __future__ import annotations

import re
from typing import Final

import torch

_SAID: Final = re.compile(r"out of memory|can't allocate memory|_STATUS_ALLOC_FAILED", re.I)
"""Only PyTorch's allocator for the GPU has a class for it; the CPU's, cuBLAS and drivers have words."""


def out_of_memory(error: BaseException) -> bool:
    """True where `error` says that the device, or the machine, has no more memory to give."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or bool(_SAID.search(str(error)))
