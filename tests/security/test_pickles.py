"""No pickle from any file is run: wherever one could lie, a trap is planted and real work is done."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from engine import events as ev
from engine.chat.spoken import Spec
from engine.job import Job
from engine.problem import Problem
from engine.train.saving.checkpoint import Manifest, _digest_of, _hash
from tests.engine.chat.conftest import adapter, ask, talk
from tests.engine.train.conftest import Start, _few_threads, job, llama, rows, start, tokenizer_files

__all__ = ["_few_threads", "adapter", "job", "llama", "rows", "start", "talk", "tokenizer_files"]


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self._marker), "w")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "the trap has sprung"


def legacy(trap: Trap) -> bytes:
    """As torch wrote files before they were zip archives."""
    file = io.BytesIO()
    torch.save({"lm_head.weight": trap}, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def zipped(trap: Trap) -> bytes:
    file = io.BytesIO()
    torch.save({"lm_head.weight": trap}, file)
    return file.getvalue()


def plain(trap: Trap) -> bytes:
    return pickle.dumps(trap)


FORMS: list[Callable[[Trap], bytes]] = [legacy, zipped, plain]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_trap_would_spring(marker: Path, form: Callable[[Trap], bytes]) -> None:
    """So that none of the tests below passes for want of a trap."""
    data = form(Trap(marker))
    if form is plain:
        pickle.loads(data).close()
    else:
        torch.load(io.BytesIO(data), weights_only=False)
    assert marker.exists()


def _copy(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def _said(end: ev.Finished | ev.Failed) -> str:
    assert isinstance(end, ev.Failed)
    assert end.do
    return f"{end.what} {end.why}"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_models_weights(
    start: Start, llama: Path, tmp_path: Path, marker: Path, form: Callable[[Trap], bytes]
) -> None:
    model = _copy(llama, tmp_path / "model")
    (model / "model.safetensors").unlink()
    (model / "pytorch_model.bin").write_bytes(form(Trap(marker)))
    said = _said(start(model=str(model)).end)
    assert "file with weights" in said
    assert not marker.exists()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_an_adapters_weights(
    start: Start, talk: Any, llama: Path, adapter: Path, tmp_path: Path, marker: Path,
    form: Callable[[Trap], bytes],
) -> None:  # fmt: skip
    """Neither a run that starts from the adapter nor a talk with it."""
    poisoned = _copy(adapter, tmp_path / "adapter-bin")
    (poisoned / "adapter_model.safetensors").unlink()
    (poisoned / "adapter_model.bin").write_bytes(form(Trap(marker)))
    assert "file with weights" in _said(start(adapter=str(poisoned)).end)
    with pytest.raises(Problem, match="file with weights"):
        talk(ask("hello"), spec=Spec(model=str(llama), adapter=str(poisoned)))
    assert not marker.exists()


@pytest.mark.parametrize("method", ["corda", "lora_ga"])
def test_files_that_an_adapters_configuration_names(
    start: Start, adapter: Path, tmp_path: Path, marker: Path, method: str
) -> None:
    """peft reads caches that some ways to begin an adapter name."""
    poisoned = _copy(adapter, tmp_path / "adapter-cache")
    cache = tmp_path / "cache.pt"
    cache.write_bytes(zipped(Trap(marker)))
    config = json.loads((poisoned / "adapter_config.json").read_text())
    config |= {"init_lora_weights": method, f"{method}_config": {"cache_file": str(cache)}}
    (poisoned / "adapter_config.json").write_text(json.dumps(config))
    start(adapter=str(poisoned))
    assert not marker.exists()


@pytest.mark.parametrize("file", ["optimizer.pt", "random-00000.pt"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_checkpoints_states(
    job: Callable[..., Job], start: Start, marker: Path, file: str, form: Callable[[Trap], bytes]
) -> None:
    """The manifest is forged too, so that the file is taken for the one that was saved."""
    start("half", (2, "interrupt"), save_steps=2)
    folder = sorted(job("half").checkpoints.glob("step-*"))[-1]
    (folder / file).write_bytes(form(Trap(marker)))
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    manifest.files[file] = ((folder / file).stat().st_size, _hash(folder / file))
    manifest.digest = _digest_of(msgspec.to_builtins(manifest))
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    assert "file with weights" in _said(start("half", save_steps=2).end)
    assert not marker.exists()


def test_what_other_trainers_leave_beside_a_model_or_an_adapter_is_not_opened(
    start: Start, talk: Any, llama: Path, adapter: Path, tmp_path: Path, marker: Path
) -> None:
    """Training arguments, random states, optimizers, tokenizers and arrays as pickles."""
    names = [
        "training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "rng_state.pth", "scaler.pt",
        "tokenizer.pkl", "vocab.pkl", "special_tokens.pkl", "train.npy", "arrays.npz", "model.pkl",
    ]  # fmt: skip
    model, tuned = _copy(llama, tmp_path / "model"), _copy(adapter, tmp_path / "tuned")
    for folder in (model, tuned):
        for index, name in enumerate(names):
            (folder / name).write_bytes(FORMS[index % 3](Trap(marker)))
    end = start(model=str(model), adapter=str(tuned), max_steps=1).end
    assert isinstance(end, ev.Finished), end
    assert talk(ask("hello"), spec=Spec(model=str(model), adapter=str(tuned))).done("adapter")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["rows.pkl", "rows.npy", "rows.pt", "rows.arrow", "rows.jsonl", "rows.csv"])
def test_a_pickle_in_the_place_of_rows(start: Start, tmp_path: Path, marker: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(plain(Trap(marker)))
    assert _said(start(data=str(path)).end)
    assert not marker.exists()
