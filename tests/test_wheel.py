"""The wheel, in an environment that has nothing of the checkout: it holds the themes and starts the app."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
    ]
    subprocess.run([*command, str(ROOT)], check=True, timeout=300)
    return next(folder.glob("openlora_tui-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on is lent by this one, which hides the checkout."""
    folder = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, timeout=300)
    return folder / "bin"


def _lent() -> dict[str, str]:
    # Folders on PYTHONPATH have their .pth files ignored, so the editable install stays out of sight.
    return os.environ | {"PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages"))}


def test_the_wheel_holds_themes_styles_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    themes = sorted(path.name for path in (ROOT / "themes").glob("*.toml"))
    assert len(themes) >= 2
    assert sorted(Path(n).name for n in names if n.startswith("openlora_tui/themes/")) == themes
    for style in (ROOT / "openlora_tui").rglob("*.tcss"):
        assert str(style.relative_to(ROOT)) in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_imports_nothing_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import engine, openlora_tui; print(engine.__file__, openlora_tui.__file__)"
    command = [str(installed / "python"), "-c", code]
    done = subprocess.run(command, env=_lent(), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(ROOT) not in done.stdout


def test_the_installed_app_starts_with_its_own_themes(installed: Path, tmp_path: Path) -> None:
    home = {"OPENLORA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with Terminal([str(installed / "openlora-tui")], env=_lent() | home) as terminal:
        terminal.until("Runs")
        terminal.pump(1)
        assert "no theme" not in terminal.text.lower()
        assert "OpenLoRA" in terminal.text


def test_the_installed_command_line_answers(installed: Path, tmp_path: Path) -> None:
    home = {"OPENLORA_HOME": str(tmp_path)}
    command = [str(installed / "openlora"), "new"]
    done = subprocess.run(command, env=_lent() | home, capture_output=True, text=True, timeout=60, check=True)
    assert "model: path/to/model" in done.stdout
