"""A model's folder, looked at without torch: whether a causal language model lies in it, and lies whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from engine import reading
from engine.hub.cache import TOKENIZER_FILES, shards
from engine.json_file import read_object
from engine.problem import Problem
from engine.text import one_line

CONFIG: Final = "config.json"
_WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
_LARGEST: Final = 100_000_000
"""Bytes of a configuration, an index or the head of a file with weights: the format's own limit."""
_POINTER: Final = b"version https://git-lfs"
_CAUSAL: Final = re.compile(r"CausalLM|LMHead|ConditionalGeneration|Model$")
"""Names of classes that may be a causal language model, or the part of one that its head is laid on."""


def prove_model(folder: Path) -> None:
    """Look at the configuration and the files with weights, as far as that needs no torch.

    Raises:
        Problem: naming the file, what is wrong with it, and what to do.
    """
    config = _object(folder / CONFIG)
    _prove_causal(folder, config)
    if not config.get("model_type"):
        raise _broken(folder / CONFIG, "It does not say what kind of model it is: model_type is missing.")
    for file in _weights(folder):
        facts = _facts(file)
        fault = _fault(str(file), facts.st_size, facts.st_mtime_ns)
        if fault:
            raise _broken(file, fault)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise _broken(folder, "It has no tokenizer: no tokenizer.json and none of the older files.")


def prove_kind(folder: Path) -> None:
    """The same of the configuration alone, where there is one: quick enough for each look at a recipe."""
    if os.path.exists(folder / CONFIG):
        _prove_causal(folder, _object(folder / CONFIG))


def _prove_causal(folder: Path, config: dict[str, Any]) -> None:
    named = config.get("architectures")
    classes = [str(name) for name in named] if isinstance(named, list) else []
    if config.get("is_encoder_decoder") is True or (classes and not any(map(_CAUSAL.search, classes))):
        shown = one_line(", ".join(classes) or str(config.get("model_type")), 100)
        raise Problem(
            f"`model`: {shown} is no causal language model.",
            where=str(folder / CONFIG),
            why="Only models that write one token after the other can be tuned here.",
            do="Choose one whose class ends in ForCausalLM.",
        )


def _weights(folder: Path) -> Iterator[Path]:
    """The files that hold the weights, safetensors where there are any; each is there."""
    for name in _WEIGHTS:
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            yield folder / name
            return
        if index.is_file():
            yield from (folder / part for part in sorted(shards(_object(index))))
            return
    raise _broken(folder, f"It has no weights: no {_WEIGHTS[0]}, no {_WEIGHTS[1]}, and no index of either.")


def _facts(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise _broken(file, f"A part of the weights is not there: {error.strerror}.") from None


@lru_cache(1024)
def _fault(path: str, size: int, _changed: int) -> str:
    """What is wrong with a file of that size, empty for nothing; its end is where its head says."""
    try:
        with reading.opened(Path(path)) as file:
            head = file.read(len(_POINTER))
            if head == _POINTER:
                return "It is a pointer of Git LFS and holds no weights: `git lfs pull` brings them."
            if not path.endswith(".safetensors"):
                return "" if head else "It is empty."
            length = int.from_bytes(head[:8], "little")
            if len(head) < 8 or length > min(_LARGEST, size - 8):
                return "It is no safetensors file, or cut off in its head."
            file.seek(8)
            tensors = json.loads(file.read(length))
    except (OSError, *reading.UNDECODABLE) as error:
        return f"It cannot be read: {one_line(str(error), 200)}."
    try:
        end = max(
            (int(t["data_offsets"][1]) for name, t in tensors.items() if name != "__metadata__"), default=0
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        return "It is no safetensors file."
    return "" if 8 + length + end == size else f"It has {size:,} bytes and should have {8 + length + end:,}."


def _object(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except FileNotFoundError:
        raise _broken(path, "It is missing.") from None
    except OSError as error:
        raise _unreadable(path, f"{error.strerror or error}.") from None
    except ValueError as error:
        raise _unreadable(path, f"{one_line(str(error), 200)}.") from None


def _unreadable(path: Path, why: str) -> Problem:
    what, do = f"`model`: {path.name} cannot be read.", "Get the model's files again."
    return Problem(what, where=str(path), why=why, do=do)


def _broken(where: Path, why: str) -> Problem:
    return Problem(
        "`model`: the folder holds no whole model.",
        where=str(where),
        why=why,
        do="Get the model's files again, or name another folder.",
    )
