"""Runs the real commands, and does things as another user of the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.recipe import template
from engine.trust import code_of, words

TINY = Path(__file__).parents[1] / "engine/process/tiny_model.py"
CLI = [sys.executable, "-P", "-m", "openlora_tui.cli.main"]
APP = [sys.executable, "-P", "-m", "openlora_tui.start"]
PATIENCE = 180.0
NOBODY = 65534


CODE = """
import os, sys
from transformers import LlamaConfig, LlamaForCausalLM

if "MARKER" in os.environ:
    with open(os.environ["MARKER"], "a") as file:
        file.write(f"{os.getpid()}\\n")
if os.environ.get("OPENLORA_TALKATIVE"):
    for stream in (sys.stdout, sys.stderr):
        print("it says", {name: os.environ.get(name) for name in ("HF_TOKEN", "WANDB_API_KEY")}, file=stream)
    raise RuntimeError(f"refused with {os.environ['HF_TOKEN']} by {os.environ['HTTPS_PROXY']}")


class StrangeConfig(LlamaConfig):
    model_type = "strange"


class StrangeModel(LlamaForCausalLM):
    config_class = StrangeConfig
"""
"""Of a model that transformers does not know: it says where it runs, or says too much and fails."""


def strange_model(model: Path, folder: Path) -> Path:
    """A copy of `model` as a kind that transformers does not know, with the code for it."""
    shutil.copytree(model, folder)
    (folder / "modeling_strange.py").write_text(CODE)
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "strange"
    config["auto_map"] = {
        "AutoConfig": "modeling_strange.StrangeConfig",
        "AutoModelForCausalLM": "modeling_strange.StrangeModel",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def trust(folder: Path) -> str:
    """The words by which the code in `folder` may run."""
    code = code_of(folder)
    assert code is not None
    return words(str(folder), code)


def run(
    *words: str, env: Mapping[str, str] | None = None, umask: int = -1
) -> subprocess.CompletedProcess[str]:
    """Run `openlora` to its end."""
    return subprocess.run(
        [*CLI, *words], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})}, umask=umask,
    )  # fmt: skip


def last(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last JSON document that a command printed."""
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def recipe(path: Path, model: Path | str, rows: Path, **values: object) -> Path:
    """Write a recipe of a few quick steps."""
    quick: dict[str, object] = {
        "model": str(model), "data": str(rows), "max_length": 64, "max_steps": 3, "lora_r": 2,
        "save_steps": 2, "eval_steps": 0, "sample_steps": 0, "devices": "cpu",
    }  # fmt: skip
    path.write_text(template(quick | values, expert=True))
    return path


def trained(*words: str, umask: int = -1, **env: str) -> dict[str, Any]:
    """Train in the foreground; the last event."""
    return last(run("train", *words, "--foreground", "--json", env=env, umask=umask))


def as_nobody(does: Callable[[], Any]) -> Any:
    """What `does` returns in a process of another user; the test is skipped where we may not become one."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        found: Any = "it raised"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            found = does()
        except BaseException as error:
            found = f"it raised {error!r}"
        finally:
            os.write(writer, json.dumps(found).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    os.waitpid(pid, 0)
    return json.loads(data)
