"""What a job takes along from the front end that asked for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

from engine.messages import JobContext

_PREFIXES: Final = ("HF_", "HUGGING_FACE_", "HUGGINGFACE_", "TRANSFORMERS_", "TOKENIZERS_", "CUDA_",
                    "NVIDIA_", "NCCL_", "OPENLORA_", "TORCH", "PYTORCH_", "OMP_", "MKL_", "BNB_")  # fmt: skip
_NAMES: Final = frozenset({"LD_LIBRARY_PATH", "PYTHONPATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                           "XDG_CACHE_HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
                           "NO_PROXY"})  # fmt: skip


_FOLDERS: Final = frozenset({"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"})


def job_context() -> JobContext:
    """This process's interpreter, working directory, umask, and the variables that decide a job."""
    umask = os.umask(0o077)
    os.umask(umask)
    chosen = {name: _meant(name, value) for name, value in os.environ.items() if belongs_to_job(name)}
    return JobContext(python=sys.executable, cwd=_cwd(), umask=umask, env=chosen)


def _meant(name: str, value: str) -> str:
    """A folder of the hub's, wherever the process that reads it stands; other values as they are."""
    if name not in _FOLDERS or not value:
        return value
    return os.path.abspath(os.path.expandvars(os.path.expanduser(value)))


def belongs_to_job(name: str) -> bool:
    """True for variables that a job takes from its front end, never from the engine."""
    return name.startswith(_PREFIXES) or name.upper() in _NAMES


def environment(base: Mapping[str, str], context: JobContext) -> dict[str, str]:
    """The environment of a job: `base` with everything that belongs to the job taken from `context`."""
    kept = {name: value for name, value in base.items() if not belongs_to_job(name)}
    return kept | context.env


def _cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.path.expanduser("~")
