"""Every command finds its standard streams whole, says any text, and ends well where nobody reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.terminal import Terminal

CLI = f"{sys.executable} -m openlora_tui.cli.main"
ROWS = '{"prompt": "Grüße 😀 →", "completion": "☃ naïve"}\n' * 3


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Grüße 😀.jsonl").write_text(ROWS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.chdir(tmp_path)


def _shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The status is that of the first command of the pipe."""
    return subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [("inspect *.jsonl --json", 0), ("--help", 0), ("inspect nothing.jsonl --json", 2), ("nonsense", 2)],
)
@pytest.mark.parametrize("redirected", ["| true", "2>&1 | true", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_reader_who_has_left_changes_nothing(words: str, status: int, redirected: str) -> None:
    done = _shell(f"{CLI} {words} {redirected}")
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert b"Broken" not in done.stderr
    assert (done.stderr == b"") == (status == 0 or "2>" in redirected)


@pytest.mark.parametrize("words", ["inspect *.jsonl", "inspect *.jsonl --json", "--help"])
def test_output_that_cannot_be_written_is_a_failure_that_is_told(words: str) -> None:
    done = _shell(f"{CLI} {words} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "openlora: The output cannot be written.",
        "  No space left on device.",
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C"},
    ],
    ids=lambda environment: "-".join(environment),
)
def test_any_text_is_said_in_any_locale(environment: dict[str, str]) -> None:
    """JSON is UTF-8 always; for people, what the locale cannot say becomes something that it can."""
    document = json.loads(_shell(f"{CLI} inspect *.jsonl --json --row 1", **environment).stdout.decode())
    assert "Grüße 😀 →" in json.dumps(document["row"], ensure_ascii=False)
    for words in ("inspect *.jsonl --row 1", "--help", "inspect nothing-😀.jsonl"):
        done = _shell(f"{CLI} {words}", **environment)
        assert b"Traceback" not in done.stderr
        assert b"UnicodeEncodeError" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        "OPENLORA_HOME=/proc/nowhere",
        "-u OPENLORA_HOME HOME=/proc/nowhere",
        "-u OPENLORA_HOME -u XDG_DATA_HOME HOME=/dev/null",
    ],
)
@pytest.mark.parametrize("words", ["runs", "train recipe.yaml"])
def test_without_a_home_one_message_names_openlora_home(environment: str, words: str) -> None:
    Path("recipe.yaml").write_text("model: ./m\ndata: 'Grüße 😀.jsonl'\n", encoding="utf-8")
    Path("m").mkdir()
    Path("m/config.json").write_text('{"model_type": "llama"}')
    done = _shell(f"env {environment} {CLI} {words}")
    assert done.returncode == 2
    assert b"Set OPENLORA_HOME to a folder that you can write." in done.stderr
    assert len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_gives_the_terminal_back(number: signal.Signals, tmp_path: Path) -> None:
    """While a line is being typed, the terminal is not as it was."""
    asking = "import sys; from openlora_tui.cli import streams; import readline\n" \
             "streams.prepare(as_json=False); input('type> ')"  # fmt: skip
    with Terminal([sys.executable, "-c", asking], 80, 24) as terminal:
        terminal.until("type>")
        terminal.until_true(lambda: not terminal.given_back)
        terminal.pump(0.3)  # Python's readline hears no signal that comes before it waits
        terminal.send(number)
        assert terminal.until_ended() == (-number if number == signal.SIGINT else 128 + number)
        assert terminal.given_back


def test_under_nohup_a_hang_up_is_ignored(tmp_path: Path) -> None:
    code = "import time; from openlora_tui.cli import streams; streams.prepare(as_json=False)\n" \
           "print('ready', flush=True); time.sleep(60)"  # fmt: skip
    child = subprocess.Popen(["nohup", sys.executable, "-c", code], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)  # fmt: skip
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 128 + signal.SIGTERM
