"""Demo: a small model is made here and tuned, and the same prompts are answered before and after."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual.app import ComposeResult

from engine import messages as ms
from engine.problem import Problem
from openlora_tui.actions import bindings
from openlora_tui.demo import Demo
from openlora_tui.screens.place import Place
from openlora_tui.session import Talk
from openlora_tui.widgets.bars import KeyBar, TooSmall, TopBar
from openlora_tui.widgets.demo_story import heading_rows, story_rows
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row

if TYPE_CHECKING:
    from openlora_tui.session import Change


class DemoScreen(Place):
    """Begins by itself when it is first gone to; what it makes and the run it starts are ordinary ones."""

    CSS_PATH = "demo.tcss"
    TABLES = ("demo", "run")
    BINDINGS = bindings(*TABLES)

    def __init__(self) -> None:
        super().__init__()
        self._demo: Demo | None = None
        self._talk: Talk | None = None

    def compose(self) -> ComposeResult:
        """One page that grows."""
        yield TopBar()
        yield Page(self._write)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Begin."""
        super().on_mount()
        self.query_one(Page).focus()
        self._begin()

    def on_screen_resume(self) -> None:
        """Follow the run again that another place may have let go."""
        demo = self._demo
        if demo is not None and demo.run and not demo.ended:
            self.tui.session.watch(demo.run)
        super().on_screen_resume()

    def paint_live(self, changes: set[Change], *, curves: bool) -> None:
        """The stages, and the answers as they come."""
        demo, session = self._demo, self.tui.session
        if demo is not None and demo.run and session.watched == demo.run and session.state is not None:
            demo.follow(session.state)
        self.query_one(Page).repaint()
        self.paint_bars()

    @property
    def row(self) -> ms.RunRow | None:
        """The demo's own run."""
        return self.tui.session.rows.get(self._demo.run) if self._demo is not None else None

    def why_not(self, id: str) -> str:
        """The story is told once at a time."""
        if id == "again" and self._demo is not None and not self._demo.ended:
            return "The demo is not over yet."
        if id in ("onward", "open_demo") and self.row is None:
            return "The demo has no run yet: the model is made first."
        return ""

    def do_again(self) -> None:
        """Once more; the model is kept, so it takes half a minute."""
        self._begin()
        self.paint_all()

    def do_open_demo(self) -> None:
        """The run in Train."""
        if self.row is not None:
            self.tui.open_run(self.row.run)

    def do_onward(self) -> None:
        """To the run, or to a talk with what came of it."""
        told = self._demo is not None and self._demo.told
        self.tui.action_do("chat" if told else "open_demo")

    def _begin(self) -> None:
        self._demo = demo = Demo(self.tui.clock)
        demo.begin()
        try:
            spec = _spec()
        except Problem as problem:
            demo.failed(problem.as_dict())
            return
        self._talk = self.tui.session.begin("starter", spec, demo.heard, self._made)

    def _made(self, problem: dict[str, str] | None) -> None:
        if self._demo is None:
            return
        if problem is not None:
            self._demo.failed(problem)
            return
        self.run_worker(self._submit(self._demo), exclusive=True, group="submit")

    async def _submit(self, demo: Demo) -> None:
        session = self.tui.session
        if session.welcome is None:
            return
        try:
            name, text = await asyncio.to_thread(_lesson, Path(session.welcome.home))
        except Problem as problem:
            demo.failed(problem.as_dict())
            return

        def answer(reply: ms.Accepted | ms.Refused) -> None:
            if isinstance(reply, ms.Refused):
                demo.failed(reply.problem)
                return
            demo.submitted(reply.run)
            session.watch(reply.run)

        session.submit(name, text, answer)

    def _write(self, width: int) -> list[Row]:
        if self._demo is None:
            return []
        session, glyphs = self.tui.session, self.tui.glyphs
        state = session.state if session.watched == self._demo.run else None
        head = heading_rows(self._demo, state, width, glyphs, self.tui.spinner)
        return [*head, *story_rows(self._demo, width, glyphs, self.tui.facts())]


def _spec() -> bytes:
    """What the maker is told; raises Problem where the training packages are not installed."""
    from engine.packages import check_training
    from engine.starter.cache import Plan

    check_training()
    return msgspec.json.encode(Plan())


def _lesson(home: Path) -> tuple[str, str]:
    from engine.recipe import absolute_text, read
    from engine.starter.lesson import Lesson, lay_out

    file = read(lay_out(home, Lesson()))
    return file.name, absolute_text(file)
