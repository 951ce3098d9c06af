"""What a process pays for when it starts: read from `sys.modules` of a fresh one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "transformers", "peft", "accelerate", "datasets", "numpy", "pandas", "pyarrow",
         "bitsandbytes", "llama_cpp"}  # fmt: skip
APP = {"textual", "rich"}
NOT_BEFORE_PAINT = HEAVY | {"peewee", "pynvml", "multiprocessing.managers", "tokenizers", "jinja2"}


def _modules(folder: str, without: str = "") -> str:
    """An import statement for every module of a package but those of a folder in it."""
    aside = ROOT / folder / without if without else None
    paths = sorted(
        path for path in (ROOT / folder).rglob("*.py") if aside is None or aside not in path.parents
    )
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]
    return "; ".join(f"import {name}" for name in names if not name.endswith("__main__"))


HELP = """
import io, contextlib
from openlora_tui.cli.main import main
for name in ("", "train", "runs", "new", "pull", "advisor", "doctor", "where", "uninstall"):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main([*name.split(), "--help"])
"""
LIGHT = {
    "the command line": (HELP, HEAVY | APP | {"huggingface_hub"}),
    "the engine process": (
        "import engine.server.engine, engine.server.__main__",
        HEAVY | APP | {"huggingface_hub"},
    ),
    "the line to the engine": ("import engine.client.link, engine.client.start", HEAVY | APP | {"peewee"}),
    "the hub package": (_modules("engine/hub"), HEAVY | APP | {"peewee"}),
    "the data package": (_modules("engine/data", without="likeness"), HEAVY | APP),
    "the pre-flight": (
        f"{_modules('engine/model')}; {_modules('engine/preflight')}; {_modules('engine/recommend')}",
        HEAVY | APP | {"peewee"},
    ),
    "what an inspection says": (_modules("engine/inspection"), HEAVY | APP | {"tokenizers", "jinja2"}),
    "the rules of the guard": (_modules("engine/watch"), HEAVY | APP | {"peewee", "tokenizers", "jinja2"}),
    "the estimate's arithmetic": (_modules("engine/memory"), HEAVY | APP | {"peewee"}),
    "what a step ate": (_modules("engine/eaten"), HEAVY | APP | {"peewee"}),
    "the store": ("import engine.store", HEAVY | APP),
    "the advisor's answers": (
        f"{_modules('engine/advisor')}; {_modules('engine/local_model')}; import engine.llama.process",
        HEAVY | APP | {"peewee"},
    ),
    "what a chat says": (
        "import engine.chat.spoken, engine.chat.target",
        HEAVY | APP | {"peewee", "tokenizers"},
    ),
    "the recipe": ("import engine.recipe", HEAVY | APP | {"peewee", "tokenizers"}),
    "a worker before its job": ("import engine.worker.work", HEAVY | APP | {"peewee"}),
    "the whole app": (_modules("openlora_tui"), HEAVY),
}
STARTS = ("openlora_tui.start", "openlora_tui.app")


def _loaded(code: str, tmp_path: Path) -> set[str]:
    code = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = os.environ | {"OPENLORA_HOME": str(tmp_path), "COVERAGE_PROCESS_START": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("code", "unwanted"), LIGHT.values(), ids=LIGHT)
def test_nothing_heavy_is_imported_by(code: str, unwanted: set[str], tmp_path: Path) -> None:
    assert _loaded(code, tmp_path) & unwanted == set()


@pytest.mark.parametrize("name", STARTS)
def test_the_app_imports_nothing_that_waits_for_more_than_the_screen(name: str, tmp_path: Path) -> None:
    if not (ROOT / name.replace(".", "/")).with_suffix(".py").exists():
        pytest.skip(f"{name} is not written yet")
    assert _loaded(f"import {name}", tmp_path) & NOT_BEFORE_PAINT == set()


def test_this_test_sees_a_heavy_import(tmp_path: Path) -> None:
    assert "peewee" in _loaded("import engine.store", tmp_path)
    assert "textual" in _loaded("import textual", tmp_path)
