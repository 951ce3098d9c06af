"""The title says how far a run is, the bell that it has ended; neither costs bytes at rest."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pyte
import pytest

from engine.messages import RunRow
from openlora_tui.announcer import Announcer
from tests.benchmarks import scene
from tests.terminal import Terminal
from tests.tui.fake_engine import row

APP = [sys.executable, "-m", "openlora_tui.start"]


class Heard:
    """What an announcer wrote and how often it rang."""

    def __init__(self, term: str = "xterm") -> None:
        self.written: list[str] = []
        self.rings = 0
        self.announcer = Announcer(self.written.append, self._ring, term=term, dot="·")

    def _ring(self) -> None:
        self.rings += 1

    def hear(self, now: float, *rows: RunRow, watched: str = "") -> None:
        self.announcer.hear(rows, watched, now)

    @property
    def titles(self) -> list[str]:
        return [text.partition("]2;")[2].removesuffix("\x1b\\") for text in self.written]


def test_the_title_follows_a_run_every_few_seconds_at_most() -> None:
    heard = Heard()
    heard.hear(0, row("tickets", step=340, steps=1000))
    heard.hear(1, row("tickets", step=350, steps=1000))
    heard.hear(6, row("tickets", step=350, steps=1000))
    heard.hear(12, row("tickets", step=351, steps=1000))
    assert heard.titles == ["OpenLoRA · tickets 34 %", "OpenLoRA · tickets 35 %"]


def test_the_bell_rings_once_for_a_run_that_ended_while_it_was_watched() -> None:
    heard = Heard()
    heard.hear(0, row("old", "failed"), row("tickets"))
    heard.hear(1, row("old", "failed"), row("tickets"))
    assert heard.rings == 0
    heard.hear(9, row("old", "failed"), row("tickets", "succeeded"))
    heard.hear(20, row("old", "failed"), row("tickets", "succeeded"))
    assert heard.rings == 1
    assert heard.titles[-1] == "OpenLoRA · tickets succeeded"


def test_a_name_cannot_steer_the_terminal() -> None:
    heard = Heard()
    heard.hear(0, row("x\x1b]0;owned\x07\n\x9c"))
    (title,) = heard.titles
    assert title.isprintable()


def test_the_open_run_is_named_and_the_others_are_counted() -> None:
    heard = Heard()
    heard.hear(0, row("one"), row("two"), watched="run-two")
    assert heard.titles == ["OpenLoRA · two 34 % (+1)"]


def test_the_title_is_given_back_and_a_console_gets_none() -> None:
    heard = Heard()
    heard.hear(0)
    heard.announcer.leave()
    assert heard.written[0].startswith("\x1b[22;2t")
    assert heard.written[-1].endswith("\x1b[23;2t")
    console = Heard("linux")
    console.hear(0, row("tickets"))
    console.announcer.leave()
    assert console.written == []


def test_in_a_terminal_title_bell_and_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[int] = []
    monkeypatch.setattr(pyte.Screen, "bell", lambda *_: rings.append(1))
    with scene.home() as root, Terminal(APP, 80, 24) as terminal:
        terminal.until("Welcome to OpenLoRA")
        _until(terminal, lambda: terminal.screen.title == "OpenLoRA")
        with scene.live_run(root, 20, 1):
            terminal.until("training")
            _until(terminal, lambda: terminal.screen.title.startswith("OpenLoRA · wire"))
            assert rings == []
        terminal.until("stopped")
        _until(terminal, lambda: terminal.screen.title == "OpenLoRA · wire stopped")
        assert rings == [1]
        _until(terminal, lambda: terminal.pump(3) == 0)
        terminal.press("q")
        _until(terminal, lambda: terminal.screen.title == "")
        assert rings == [1]


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"NO_COLOR": "1"}, set()),
        ({"TERM": "xterm", "COLORTERM": ""}, {"cyan", "green", "brown", "red", "blue"}),
    ],
    ids=["no colour", "16 colours"],
)
def test_a_terminal_gets_its_own_colours_or_none(environment: dict[str, str], colours: set[str]) -> None:
    with scene.home() as root, scene.live_run(root, 20, 1):
        with Terminal(APP, 80, 24, environment) as terminal:
            terminal.until("training")
            cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
            assert {cell.fg for cell in cells} | {cell.bg for cell in cells} <= colours | {"default"}
            assert any(cell.reverse for cell in cells), "the selected run"


def _until(terminal: Terminal, true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        terminal.pump(0.1)
    raise AssertionError(f"title {terminal.screen.title!r}; the screen:\n{terminal.text}")
