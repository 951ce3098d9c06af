"""In a real terminal: the recipe goes to an editor and back, and what was typed outlives a kill."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

APP = """
from pathlib import Path
from openlora_tui.app import OpenLoraApp
from openlora_tui.start import _run
from tests.tui.fake_engine import FakeEngine
engine = FakeEngine()
engine.list([])
_run(OpenLoraApp(lambda: engine, folder=Path.cwd()), mouse=False)
"""
EDITOR = """
import sys
from pathlib import Path
path, count = Path(sys.argv[1]), Path(__file__).with_suffix(".count")
times = len(count.read_text()) + 1 if count.exists() else 1
count.write_text("x" * times)
text = path.read_text()
if times == 1:
    path.write_text(text + "seed: 7\\n")
elif times == 2:
    path.write_text(text + "lora_r: [\\n")
else:
    path.write_text(text.replace("lora_r: [", "lora_r: many"))
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text('{"model_type": "llama"}')
    (folder / "rows.csv").write_text("prompt,completion\n" + "Hi,Hello\n" * 412)
    (folder / "mine.yaml").write_text("model: ./model\ndata: rows.csv\n")
    (tmp_path / "editor.py").write_text(EDITOR)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {tmp_path / 'editor.py'}")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.chdir(folder)
    return folder


def test_the_editor_and_a_kill_lose_nothing_that_was_typed(work: Path, home: Path) -> None:
    with Terminal([sys.executable, "-c", APP]) as app:
        app.until("n new run")
        app.press("n")
        app.until("which recipe?")
        app.until("mine, 3 epochs")
        app.press("\r")
        app.until("412 rows")
        app.press("e")
        app.until("not saved")
        app.pump(0.5)
        app.press("/seed\r")
        app.until("default 42")
        app.press("\x1b")
        app.until("Batch size")
        app.press("e")
        app.until("This is no recipe yet")
        app.until("Line 5")
        app.press("\r")
        app.until("'many' is not a whole number")
        app.press("w")
        app.until("Write for example")
        while not any((home / "drafts").glob("*.json")):
            app.pump(0.05)
        app.pump(0.7)  # what was typed last is written half a second later; then the terminal is killed
    assert (work / "mine.yaml").read_text() == "model: ./model\ndata: rows.csv\n"
    with Terminal([sys.executable, "-c", APP]) as app:
        app.until("has been kept")
        app.press("3")
        app.until("'many' is not a whole number")
        app.press("mx")
        app.until("✓ ready")
        app.press("w")
        app.until("Saved")
    assert (work / "mine.yaml").read_text() == "model: ./model\ndata: rows.csv\nseed: 7\nlora_r: 16\n"
