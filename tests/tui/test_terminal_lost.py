"""Signals end the app in order, a terminal that vanishes ends it too, and none of it is left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.bus import SILENT
from tests.benchmarks import scene
from tests.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
APP = [sys.executable, "-m", "tests.tui.seated_app"]
OPEN = "support-tickets"
SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
QUIET = 0.5
"""The share of a core under which a program does not spin; one that spins takes all that it gets."""


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PS1", "back> ")
    monkeypatch.chdir(ROOT)


@pytest.fixture
def app() -> Iterator[Terminal]:
    with Terminal(APP, 80, 24) as terminal:
        terminal.until(OPEN)
        yield terminal


def test_a_person_who_quits_gets_the_terminal_back_as_it_was(app: Terminal) -> None:
    assert not app.given_back
    app.press("q")
    app.until("leave running")
    app.press("\r")
    assert app.until_ended() == 0
    assert app.given_back


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_it_in_order(number: signal.Signals, app: Terminal) -> None:
    app.send(number)
    assert app.until_ended() == 128 + number
    assert app.given_back
    assert b"Traceback" not in app.raw


def test_a_hang_up_that_is_ignored_ends_nothing() -> None:
    """As under nohup: what was ignored at the start stays ignored."""
    with Terminal(["sh", "-c", f"trap '' HUP; exec {' '.join(APP)}"], 80, 24) as app:
        app.until(OPEN)
        app.send(signal.SIGHUP)
        app.press("?")
        app.until("Keys in Runs")


def test_a_terminal_that_is_closed_ends_it(app: Terminal) -> None:
    app.hang_up()
    assert app.until_ended() == 128 + signal.SIGHUP


def test_what_was_typed_outlives_the_terminal(home: Path) -> None:
    with Terminal(APP, 80, 24) as app:
        app.until(OPEN)
        app.press("3")
        app.until("Learning rate")
        app.press("jj+")
        app.until("not saved")
        app.hang_up()
        app.until_ended()
    assert list((home / "drafts").glob("*.json"))


@pytest.mark.parametrize("half", ["", "\x1b[<35;10;", "\x1b[200~half a paste", "\x1b", "\xc3"])
def test_so_does_one_of_which_no_signal_tells(half: str) -> None:
    """A terminal that is not the controlling one, as under some service managers: only reading shows it."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    app = subprocess.Popen(APP, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=env)
    os.close(slave)
    try:
        _read_until(master, OPEN.encode())
        os.write(master, half.encode("latin-1"))
        os.close(master)
        assert app.wait(30) == 128 + signal.SIGHUP
    finally:
        app.kill()
        app.wait(10)


def test_a_terminal_that_takes_nothing_any_more_does_not_keep_it(app: Terminal) -> None:
    """Nobody reads: the output is full, yet keys are heard, nothing spins, and a signal ends it."""
    for _ in range(60):
        app.press("T\x1b" * 5)
        time.sleep(0.02)
    process = psutil.Process(app.pid)
    before = process.memory_info().rss
    assert _share(process, 2.0) < QUIET
    assert process.memory_info().rss - before < 16 << 20
    app.send(signal.SIGTERM)
    end = time.monotonic() + 30
    while not (ended := os.waitpid(app.pid, os.WNOHANG))[0]:
        assert time.monotonic() < end, "it waits for a terminal that takes nothing"
        time.sleep(0.05)
    app.status = os.waitstatus_to_exitcode(ended[1])
    assert app.status == 128 + signal.SIGTERM


def test_ctrl_z_goes_back_to_the_shell_and_fg_returns() -> None:
    with Terminal(SHELL, 80, 24) as shell:
        shell.until("back>")
        shell.press(f"{' '.join(APP)}\n")
        shell.until(OPEN)
        for key in ("?", "q"):
            shell.screen.reset()
            shell.press("\x1a")
            shell.until("Stopped")
            shell.until("back>")
            assert shell.given_back
            shell.screen.reset()
            shell.press("fg\n")
            shell.until(OPEN if key == "?" else "Keys in Runs")
            shell.press(key)
            shell.until("Keys in Runs" if key == "?" else OPEN)
        _quit(shell)


@pytest.mark.parametrize("before", ["", "bg"])
def test_a_stop_that_cannot_be_caught_is_survived(before: str) -> None:
    """After SIGSTOP the shell has used the terminal; `fg` paints the app whole, `bg` waits for it."""
    with Terminal(SHELL, 80, 24) as shell:
        shell.until("back>")
        shell.press(f"{' '.join(APP)}\n")
        shell.until(OPEN)
        (app,) = psutil.Process(shell.pid).children()
        app.send_signal(signal.SIGSTOP)
        shell.until("Stopped")
        if before:
            shell.screen.reset()
            shell.press(f"{before}\n")
            shell.until_true(lambda: app.status() == psutil.STATUS_STOPPED and "&" in shell.text)
        shell.screen.reset()
        shell.press("fg\n")
        shell.until(OPEN)
        shell.press("?")
        shell.until("Keys in Runs")
        shell.press("q")
        shell.until(OPEN)
        _quit(shell)


def test_after_a_stop_so_long_that_the_engine_forgot_it_what_is_shown_is_live_again() -> None:
    with scene.home() as root, scene.live_run(root, 20, 5):
        with Terminal([sys.executable, "-m", "openlora_tui.start"], 80, 24) as app:
            app.until("training")
            app.press("\r")
            app.until_true(lambda: _step(app.text) > 20)
            app.send(signal.SIGSTOP)
            app.pump(SILENT + 4.0)
            seen = _step(app.text)
            app.send(signal.SIGCONT)
            app.until_true(lambda: _step(app.text) > seen + 10)
            seen = _step(app.text)
            app.until_true(lambda: _step(app.text) > seen)


def test_without_a_shell_ctrl_z_says_so_and_stops_nothing(app: Terminal) -> None:
    app.press("\x1a")
    app.until("There is no shell")


def _quit(shell: Terminal) -> None:
    shell.press("q")
    shell.until("leave running")
    shell.screen.reset()
    shell.press("\r")
    shell.until("back>")
    assert shell.given_back


def _step(text: str) -> int:
    found = re.search(r"step +([\d,]+) /", text)
    return int(found[1].replace(",", "")) if found else 0


def _share(process: psutil.Process, seconds: float) -> float:
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / seconds


def _read_until(file: int, text: bytes, seconds: float = 60.0) -> None:
    came, end = b"", time.monotonic() + seconds
    while text not in came:
        assert time.monotonic() < end, came
        if select.select([file], [], [], 1)[0]:
            came += os.read(file, 1 << 16)
