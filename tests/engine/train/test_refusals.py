"""What would spoil a run is found before it starts, or named after it died, in words with a remedy."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import events as ev
from engine.data.refusal import Refusal
from engine.job import Job
from engine.train.explain import explain
from engine.train.journal import Journal
from engine.train.methods.adapter import fingerprint
from engine.train.methods.verify import verify
from tests.engine.train.conftest import Start


def refused(run: object) -> ev.Failed:
    end = getattr(run, "end", run)
    assert isinstance(end, ev.Failed)
    assert end.findings
    assert end.do
    return end


def test_a_missing_model_folder(start: Start, tmp_path: Path) -> None:
    end = refused(start(model=str(tmp_path / "nowhere")))
    assert "does not exist" in end.what


def test_a_pad_token_beyond_the_table_is_no_harm(start: Start, llama: Path, tmp_path: Path) -> None:
    folder = tmp_path / "padded"
    shutil.copytree(llama, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][0], "id": 320, "content": "[PAD]"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "pad_token": "[PAD]"}))
    assert isinstance(start(model=str(folder)).end, ev.Finished)


def test_an_unknown_target_names_the_layers_there_are(start: Start) -> None:
    end = refused(start(target_modules=["q_proj", "query_key_value"]))
    assert end.findings[-1].category == "target_modules_not_found"
    assert "query_key_value" in end.what
    assert "q_proj" not in end.what
    for name in ("q_proj", "o_proj", "down_proj"):
        assert name in end.why
    assert "lm_head" not in end.why


def test_rows_that_are_no_rows(start: Start, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "a", "answer": "b"}\n{"question": "a", "ans')
    end = refused(start(data=str(bad)))
    assert end.where == f"{bad}:2"
    assert end.findings[-1].category == "dataset_encoding_or_parse"


def test_a_tokenizer_that_transformers_reads_otherwise(
    start: Start, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.data import ModelTokenizer

    encode = ModelTokenizer.encode
    monkeypatch.setattr(
        ModelTokenizer, "encode", lambda self, text, special=False: encode(self, text.lower())
    )
    end = refused(start())
    assert end.findings[-1].category == "template_or_special_tokens"
    assert "AutoTokenizer" in end.why


def test_ids_beyond_the_embedding_table(start: Start, llama: Path, tmp_path: Path) -> None:
    folder = tmp_path / "short"
    shutil.copytree(llama, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append(
        {
            "id": 320,
            "content": "Say",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": False,
        }
    )
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    end = refused(start(model=str(folder)))
    assert end.findings[-1].category == "tokenizer_vocab_resize"


def test_rows_are_cut_at_the_context_and_it_is_said(start: Start) -> None:
    run = start(max_length=4096)
    assert isinstance(run.end, ev.Finished)
    assert "128" in run.end.findings[0].title


def test_prompts_that_fill_every_row(start: Start) -> None:
    end = refused(start(max_length=8))
    assert end.findings[-1].category == "truncation"


def test_an_output_folder_that_is_a_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    end = refused(start(output_dir=str(tmp_path / "out")))
    assert end.findings[-1].category == "save_or_disk"


def test_a_learning_rate_that_moves_nothing(start: Start) -> None:
    # At 1e-8 the adapter's second half moves, so only a rate of 0 leaves it as it was.
    end = refused(start(learning_rate=0.0, max_steps=2))
    assert end.findings[-1].category == "no_trainable_params_or_grad"
    assert end.adapter is None


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "save_or_disk"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "oom"),
        (MemoryError(), "oom"),
        (ValueError("Target modules {'x'} not found in the base model."), "target_modules_not_found"),
        (OSError("401 Client Error. Cannot access gated repo for url"), "hub_auth_or_gated"),
        (TypeError("got an unexpected keyword argument 'dtype'"), "dependency_version"),
        (ImportError("Using `bitsandbytes` 4-bit quantization requires accelerate"), "quantization_backend"),
        (RuntimeError("CUDA Setup failed despite GPU being available."), "quantization_backend"),
        (RuntimeError("mat1 and mat2 must have the same dtype"), "dtype_mismatch"),
        (RuntimeError("Expected all tensors to be on the same device"), "device_mismatch"),
        (IndexError("index out of range in self"), "tokenizer_vocab_resize"),
        (RuntimeError("CUDA error: no kernel image is available"), "cuda_driver_or_arch"),
        (KeyError("surprise"), "other"),
    ],
)
def test_every_death_has_a_category_and_a_remedy(
    job: Callable[..., Job], error: Exception, category: str
) -> None:
    journal = Journal(lambda event: None)
    journal.doing, journal.step = "training", 7
    end = explain(error, job(), journal)
    assert end.findings[-1].category == category
    assert end.steps == 7
    assert end.what
    assert end.do


def test_memory_that_runs_out_while_saving_is_another_category(job: Callable[..., Job]) -> None:
    journal = Journal(lambda event: None)
    journal.doing = "saving"
    end = explain(MemoryError(), job(), journal)
    assert end.findings[-1].category == "oom_at_checkpoint_or_eval"
    assert end.findings[-1].patch is None, "no recipe asks for less memory while it is saved"
    assert "End other programs" in end.do


def saved(folder: Path, second: torch.Tensor) -> dict[str, torch.Tensor]:
    state = {"a.lora_A.weight": torch.ones(2, 3), "a.lora_B.weight": second}
    folder.mkdir(exist_ok=True)
    save_file(state, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    return state


def test_verification_sees_what_is_wrong_with_an_adapter(tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    initial = fingerprint(saved(folder, torch.zeros(3, 2)))
    with pytest.raises(Refusal, match="what it was"):
        verify(folder, load_file(folder / "adapter_model.safetensors"), initial)

    live = saved(folder, torch.ones(3, 2))
    assert verify(folder, live, initial) == []
    with pytest.raises(Refusal, match="differs"):
        verify(folder, {**live, "a.lora_B.weight": torch.full((3, 2), 2.0)}, initial)
    with pytest.raises(Refusal, match="tensors"):
        verify(folder, {"a.lora_A.weight": live["a.lora_A.weight"]}, initial)

    live = saved(folder, torch.full((3, 2), torch.nan))
    with pytest.raises(Refusal, match="not finite"):
        verify(folder, live, initial)

    (folder / "adapter_model.safetensors").write_bytes(b"short")
    with pytest.raises(Refusal, match="opened"):
        verify(folder, live, initial)


def test_a_layer_that_learnt_nothing_is_named(tmp_path: Path) -> None:
    state = saved(tmp_path / "adapter", torch.ones(3, 2))
    state["b.lora_B.weight"] = torch.zeros(3, 2)
    save_file(state, tmp_path / "adapter" / "adapter_model.safetensors")
    [finding] = verify(tmp_path / "adapter", state, fingerprint({"b.lora_B.weight": torch.zeros(3, 2)}))
    assert finding.evidence == ["b.lora_B.weight"]
