"""What a hub holds, and the command that fetches from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

LARGE = 3_000_000
COMMAND = [sys.executable, "-m", "openlora_tui.cli.main", "pull"]


@pytest.fixture
def files() -> dict[str, bytes]:
    """What a model's repository holds, by far the most of it for other programs."""
    weights = bytes(range(256)) * (LARGE // 256)
    return {
        "README.md": b"# A model",
        "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
        "generation_config.json": b"{}",
        "tokenizer.json": b'{"model": {}}',
        "tokenizer_config.json": b'{"eos_token": "."}',
        "chat_template.jinja": b"{{ messages }}",
        "modeling_own.py": b"raise SystemExit",
        "model.safetensors": weights,
        "pytorch_model.bin": weights + b"bin",
        "tf_model.h5": weights + b"h5",
        "model-q4.gguf": weights + b"gguf",
        "onnx/model.onnx": b"onnx",
        "original/consolidated.safetensors": weights + b"original",
    }


WANTED = {
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "model.safetensors",
}  # fmt: skip


def pull(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `openlora pull`."""
    return subprocess.run(
        [*COMMAND, *words], env=os.environ | env, capture_output=True, text=True, timeout=120
    )


def pulled(*words: str, **env: str) -> dict[str, Any]:
    """Run `openlora pull --json`, which has to end well, and give its last object."""
    done = pull(*words, "--json", **env)
    assert done.returncode == 0, done.stderr
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


def refused(*words: str, status: int, **env: str) -> dict[str, str]:
    """Run `openlora pull --json`, which has to be refused, and give the four parts of why."""
    done = pull(*words, "--json", **env)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    error: dict[str, str] = json.loads(done.stdout.splitlines()[-1])["error"]
    return error
