"""What a step was taught with: its rows, where they come from, and what of them was learnt."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from engine.eaten.told import ALONE, PAIRED, Eaten
from engine.problem import Problem
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.modals.dialogue import Dialogue, Foot, Title
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row, between
from openlora_tui.widgets.wrap import near, tail, wrapped


class EatenView(Dialogue[None]):
    """One step on the whole screen; left and right go to the step before and the next."""

    PAGE = True
    BINDINGS: ClassVar = [
        Binding("q,e", "close", show=False, priority=True),
        Binding("left,h", "step(-1)", show=False, priority=True),
        Binding("right,l", "step(1)", show=False, priority=True),
    ]

    def __init__(self, home: str, run: str, step: int) -> None:
        super().__init__()
        self._home, self._run_id = home, run
        self._step = max(step, 1)
        self._eaten: Eaten | None = None
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """Title, the rows, keys."""
        with Vertical(id="frame"):
            yield Title("What the step ate", "")
            yield Page(self._write)
            yield Foot(("left right", "step before, next"), ("up down space", "scroll"), ("esc", "close"))

    def on_mount(self) -> None:
        """Keys go to the page; the rows come from a process of their own."""
        super().on_mount()
        self.query_one(Page).focus()
        self._load()

    def action_step(self, way: int) -> None:
        """The step before, or the next."""
        self._step = max(self._step + way, 1)
        self._load()

    def _load(self) -> None:
        self._entitle("")
        self.run_worker(self._fetch(self._step), exclusive=True, group="eaten")

    async def _fetch(self, step: int) -> None:
        try:
            eaten = await ask(self._home, self._run_id, step)
        except Problem as problem:
            self._eaten, self._problem = None, problem
        else:
            self._eaten, self._problem = eaten, None
        self._entitle(_said(self._eaten))
        self.query_one(Page).rewrite(self._write)

    def _entitle(self, remark: str) -> None:
        title = self.query_one(Title)
        title.title, title.remark = f"What step {self._step:,} ate", remark
        title.repaint()

    def _write(self, width: int) -> list[Row]:
        if self._problem is not None:
            told = [self._problem.what, self._problem.why, self._problem.do]
            return [Row(line) for text in told if text for line in wrapped(text, width)]
        if self._eaten is None:
            return [Row("The rows are being looked up.", "dim")]
        paired = any(row.paired for row in self._eaten.rows)
        rows = [Row(PAIRED if paired else ALONE, "dim"), Row()]
        for number, row in enumerate(self._eaten.rows, 1):
            count = Row(f"{row.tokens:,} tokens, {row.learnt:,} learnt", "dim")
            where = tail(one_line(near(row.where, self.tui.folder)), max(width - count.width - 8, 8))
            rows.append(between(Row(f"{number}  ", "dim").add(where, "bright"), count, width))
            for part in row.told():
                colour, role = "bad" if part.mark == "-" else "ok", "text" if part.learnt else "dim"
                lines = [line for text in part.text.splitlines() for line in wrapped(text, width - 4) or [""]]
                rows += [Row("  ").add(f"{part.mark} ", colour).add(line, role) for line in lines]
            rows.append(Row())
        return rows


async def ask(home: str, run: str, step: int) -> Eaten:
    """What the command line's twin says, in a process that reads data files and templates beside the app.

    Raises:
        Problem: what it says instead.
    """
    words = ["-P", "-m", "openlora_tui.cli.main", "runs", "eaten", run, "--step", str(step), "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
        env={**os.environ, "OPENLORA_HOME": home},
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == 0:
        return msgspec.json.decode(said, type=Eaten)
    try:
        told = msgspec.json.decode(said.splitlines()[-1])["error"]
    except (IndexError, KeyError, TypeError, msgspec.DecodeError):
        raise Problem(
            "What the step ate could not be looked up.", do=f"`openlora runs eaten {run}` says why."
        ) from None
    raise Problem(told["what"], **{name: told.get(name, "") for name in ("where", "why", "do")})


def _said(eaten: Eaten | None) -> str:
    if eaten is None:
        return ""
    loss = "loss not finite, or passed over" if eaten.loss is None else f"loss {figures.loss(eaten.loss)}"
    return f"epoch {eaten.epoch + 1:,}  {len(eaten.rows):,} rows  {loss}"
