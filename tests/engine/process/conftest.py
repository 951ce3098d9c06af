"""A tiny model, a recipe that takes a few seconds, and a front end to drive the engine with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import bus, paths
from engine.recipe import read, template
from engine.run_dir import RunDir
from openlora_tui.cli.session import Session
from tests.engine.process.driving import STEPS, Driver, adapter_bytes


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower on two threads than on one, far slower where other work holds a core."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of a few thousand parameters with a byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    script = Path(__file__).with_name("tiny_model.py")
    subprocess.run([sys.executable, str(script), str(folder)], check=True, timeout=300)
    return folder


@pytest.fixture(scope="session")
def recipe_file(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of 120 quick steps with dropout, evaluation and checkpoints every 20."""
    folder = tmp_path_factory.mktemp("recipe")
    rows = [f"Row {i} says that {i} and {i + 1} make {2 * i + 1}, which is odd." for i in range(400)]
    (folder / "rows.txt").write_text("\n".join(rows))
    path = folder / "quick.yaml"
    values: dict[str, object] = {
        "model": str(tiny_model), "data": "rows.txt", "max_length": 64, "max_steps": STEPS, "lora_r": 4,
        "lora_dropout": 0.1, "learning_rate": 5e-3, "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 2, "save_steps": 20, "eval_steps": 40, "sample_steps": 0,
        "devices": "cpu",
    }  # fmt: skip
    path.write_text(template(values))
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, whose engine and workers are ended afterwards."""
    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path / "home"))
    root = paths.home()
    yield root
    end_all(root)


def end_all(root: Path) -> None:
    """End the engine of a home, and the workers of its runs."""
    pid = bus.engine_pid(root)
    if pid is not None:
        _end(pid)
    for folder in (root / "runs").iterdir():
        record = RunDir(root, folder.name).worker()
        if record is not None and record.alive:
            _end(record.pid)


@pytest.fixture
def driver(home: Path, recipe_file: Path) -> Iterator[Driver]:
    with Session(home) as session:
        yield Driver(home, session, read(recipe_file))


@pytest.fixture(scope="session")
def unbroken(recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The adapter of a run that nobody disturbed."""
    root = tmp_path_factory.mktemp("unbroken")
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(recipe_file), "--foreground"]
    environment = os.environ | {"OPENLORA_HOME": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return adapter_bytes(root, "1")


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
