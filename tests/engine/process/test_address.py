"""Where the engine is found: it stands again after a cleaner of /tmp, and a long TMPDIR does not matter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine import bus
from engine.alone import holder
from engine.paths import engine_link
from tests.engine.process.driving import Driver, wait_for

ATTACH = "from engine import bus, paths; bus.connect(paths.home()); print(bus.engine_pid(paths.home()))"


def _files(home: Path) -> list[Path]:
    link = engine_link(home)
    return [path for path in link.parent.iterdir() if path.name.startswith(link.stem)]


@pytest.mark.parametrize("kept", ["nothing", ".sock", ".key", ".lock"])
def test_a_living_engine_listens_again_where_its_files_were_removed(driver: Driver, kept: str) -> None:
    engine = holder(driver.root)
    for file in _files(driver.root):
        if file.suffix != kept:
            file.unlink()
    assert driver.session.rows() == []  # who is attached notices nothing

    def attached() -> str:
        words = [sys.executable, "-c", ATTACH]
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.strip()

    assert wait_for(attached, bool, 30) == str(engine)
    assert holder(driver.root) == engine


def test_who_comes_while_the_files_are_gone_finds_the_same_engine(driver: Driver) -> None:
    engine = holder(driver.root)
    for file in _files(driver.root):
        file.unlink()
    code = "from engine import bus, paths; from engine.client.start import attach;"
    code += "attach(paths.home()); print(bus.engine_pid(paths.home()))"
    starters = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert answers == {str(engine)}


def test_a_long_folder_for_temporary_files_does_not_lengthen_the_socket_s_path(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 120)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    code = "from engine import paths; from engine.client.start import attach; attach(paths.home())"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert holder(home) == bus.engine_pid(home)
