"""The app in terminals that are slow, change their size, can show little, or say nothing of themselves."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyte
import pytest

from openlora_tui.terminal.surroundings import locale_name
from tests.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
APP = [sys.executable, "-m", "tests.tui.seated_app"]
OPEN = "support-tickets"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(ROOT)


def test_a_slow_terminal_gets_what_is_current_and_no_backlog() -> None:
    """At 20 kB/s: forty whole pictures are asked for, and the answer to the next key is not behind them."""
    with Terminal(APP, 200, 50) as app:
        app.until(OPEN)
        app.pump(0.5)
        before = app.bytes
        app.press("\x14")
        app.until_true(lambda: app.bytes > before)
        app.pump(0.5)
        picture = app.bytes - before
        assert picture > 5_000
        for _ in range(40):
            app.press("\x14")
            app.sip(0.05, 20_000)
        held, before = psutil.Process(app.pid).memory_info().rss, app.bytes
        app.press("?")
        while "Keys in Runs" not in app.text:
            app.sip(0.2, 20_000)
            assert app.bytes - before < 5 * picture + 20_000
        assert psutil.Process(app.pid).memory_info().rss - held < 16 << 20


def test_a_line_that_takes_in_more_than_it_shows_gets_no_backlog_either() -> None:
    """As over SSH: megabytes fit into the line, and only the terminal's answers tell how far it is."""
    with Terminal(APP, 200, 50) as app:
        line = _Line(app, 20_000)
        line.until(OPEN)
        line.pass_on(1.0)
        picture = len(app.raw)
        assert picture > 5_000
        for _ in range(40):
            app.press("\x14")
            line.pass_on(0.05)
        app.press("?")
        line.until("Keys in Runs")
        assert line.most < 3 * picture
        app.press("q")
        line.until(OPEN)
        app.press("q")
        line.until("leave running")
        app.press("\r")
        line.until_gone()
        assert line.unheard == 0


class _Line:
    """A line that takes everything at once and passes on `a_second` bytes; the terminal behind it answers."""

    def __init__(self, app: Terminal, a_second: int) -> None:
        self._app, self._a_second, self._shown = app, a_second, 0
        self.screen = pyte.ByteStream(pyte.Screen(200, 50))
        self.most = 0
        """The most bytes that were in the line at a time."""
        self.unheard = 0
        """Answers that came when the terminal had been given back."""

    def pass_on(self, seconds: float) -> None:
        end, moment = time.monotonic() + seconds, 0.02
        while time.monotonic() < end:
            self._app.pump(moment)
            self.most = max(self.most, len(self._app.raw) - self._shown)
            piece = bytes(self._app.raw[self._shown : self._shown + int(self._a_second * moment)])
            self._shown += len(piece)
            self.screen.feed(piece)
            for _ in range(self._asked(piece)):
                self._answer()

    def _asked(self, piece: bytes) -> int:
        before = bytes(self._app.raw[max(self._shown - len(piece) - 3, 0) : self._shown])
        return before.count(b"\x1b[5n")

    def _answer(self) -> None:
        if self._app.modes_left():
            self._app.press("\x1b[0n")
        else:
            self.unheard += 1

    def until(self, text: str) -> None:
        end = time.monotonic() + 60
        while text not in "\n".join(self.screen.listener.display):
            assert time.monotonic() < end, self.screen.listener.display
            self.pass_on(0.05)

    def until_gone(self) -> None:
        end = time.monotonic() + 60
        while not os.waitpid(self._app.pid, os.WNOHANG)[0]:
            assert time.monotonic() < end
            self.pass_on(0.05)
        self._app.status = 0


def test_a_storm_of_sizes_ends_in_a_whole_picture() -> None:
    sizes = random.Random(7)
    with Terminal(APP, 80, 24) as app:
        app.until(OPEN)
        for turn in range(300):
            extreme = [(1, 1), (60, 10), (400, 100), (1, 100), (400, 1)][turn % 5]
            app.resize(*(extreme if turn % 3 else (sizes.randint(1, 400), sizes.randint(1, 100))))
            if turn % 20 == 0:
                app.press("?" if turn % 40 else "\x1b")
            app.pump(0.01)
        app.resize(1, 1)
        app.pump(0.3)
        app.screen.reset()
        app.resize(100, 30)
        app.until(OPEN)
        app.until("? help")
        before = psutil.Process(app.pid).cpu_times().user
        app.pump(1.0)
        assert psutil.Process(app.pid).cpu_times().user - before < 0.5
        assert b"Traceback" not in app.raw


@pytest.mark.parametrize("size", [(60, 15), (59, 24), (40, 8), (20, 3)], ids=str)
def test_a_terminal_that_is_too_small_says_what_is_needed_and_grows(size: tuple[int, int]) -> None:
    with Terminal(APP, *size) as app:
        app.until("60 by 16" if size[0] > 30 else "60x16")
        app.resize(80, 24)
        app.until(OPEN)
        app.resize(*size)
        app.until("60 by 16" if size[0] > 30 else "60x16")


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_be_drawn_on_is_declined_in_one_line(term: str) -> None:
    with Terminal(APP, 80, 24, {"TERM": term}) as app:
        assert app.until_ended() == 2
        assert "TERM is" in app.text
        assert b"\x1b" not in app.raw


@pytest.mark.parametrize("term", ["vt100", "screen", "tmux-256color", "no-such-terminal"])
def test_others_work_with_the_colours_that_they_are_known_to_have(term: str) -> None:
    with Terminal(APP, 80, 24, {"TERM": term, "COLORTERM": ""}) as app:
        app.until(OPEN)
        colours = set(re.findall(rb"[34]8;[25];", app.raw))
        assert bool(colours) == term.endswith("256color")


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": ""},
        {"LANG": "", "LC_ALL": "POSIX"},
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "", "LC_ALL": ""},
    ],
    ids=["C", "POSIX", "ascii", "none"],
)
def test_without_a_locale_only_ascii_is_sent(environment: dict[str, str]) -> None:
    with Terminal(APP, 80, 24, {"LC_CTYPE": "", **environment}) as app:
        app.until(OPEN)
        app.press("?")
        app.until("Keys in Runs")
        assert all(byte < 0x80 for byte in app.raw)


@pytest.mark.parametrize(
    ("environment", "c_locale", "name"),
    [
        ({"LANG": "de_DE.UTF-8"}, False, "de_DE.UTF-8"),
        ({"LANG": "de_DE.UTF-8", "LC_CTYPE": "C.UTF-8"}, True, "de_DE.UTF-8"),  # forwarded, not installed
        ({"LC_CTYPE": "C.UTF-8"}, True, ""),  # Python's own doing
        ({"LC_CTYPE": "C.UTF-8"}, False, "C.UTF-8"),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True, "POSIX"),
        ({}, True, ""),
    ],
)
def test_the_locale_is_what_the_person_set(environment: dict[str, str], c_locale: bool, name: str) -> None:
    assert locale_name(environment, c_locale=c_locale) == name


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_without_a_home_it_leaves_with_one_message(home: str) -> None:
    start = [sys.executable, "-m", "openlora_tui.start"]
    with Terminal(start, 100, 24, {"OPENLORA_HOME": home, "HOME": home, "XDG_CONFIG_HOME": home}) as app:
        assert app.until_ended() == 2
        assert app.given_back
    said = app.raw[app.raw.rfind(b"\x1b[?1004l") :]
    assert b"Set OPENLORA_HOME to a folder that you can write." in said
    assert said.count(b"\n") == 1


def test_a_config_folder_that_cannot_be_written_stops_nothing() -> None:
    with Terminal(APP, 80, 24, {"XDG_CONFIG_HOME": "/proc/nowhere"}) as app:
        app.until(OPEN)
        before = app.bytes
        app.press("\x14")
        app.until_true(lambda: app.bytes - before > 2_000)
        app.press("?")
        app.until("Keys in Runs")


def test_the_errors_of_others_may_go_to_a_file(tmp_path: Path) -> None:
    """`2>file` takes nothing from the screen."""
    with Terminal(["sh", "-c", f"exec {' '.join(APP)} 2>{tmp_path}/errors"], 80, 24) as app:
        app.until(OPEN)
    assert (tmp_path / "errors").read_text() == ""


@pytest.mark.parametrize("words", ["<&-", ">&-", "2>&-", "</dev/null", "| cat", "<&- >&- 2>&-"])
def test_without_a_terminal_nothing_is_begun(words: str) -> None:
    command = f"{sys.executable} -m openlora_tui.start {words}"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (0 if "2>" in words else 1)
