"""What `openlora doctor` says, on a page; a process of its own looks, so that nothing heavy is imported."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from engine.doctor.check import Check, grave, summary
from engine.text import one_line
from openlora_tui.glyphs import SEVERITY_ROLE
from openlora_tui.modals.readers import Reader
from openlora_tui.widgets.page import Page
from openlora_tui.widgets.painted import Row
from openlora_tui.widgets.wrap import wrapped

_ROLE: Final = {"good": "ok", **SEVERITY_ROLE}
_INDENT: Final = 17


class Doctor(Reader):
    """The gravest first; then everything, in its groups, each as soon as it was looked at."""

    def __init__(self) -> None:
        super().__init__("Doctor", "what this machine can do")
        self._checks: list[Check] = []
        self._looking = True
        self._trouble = ""

    def on_mount(self) -> None:
        """Begin to look."""
        super().on_mount()
        self.run_worker(self._look(), exclusive=True, group="doctor")

    async def _look(self) -> None:
        page, size = self.query_one(Page), self.app.size
        try:
            async for checks in examine(size.width, size.height):
                self._checks += checks
                page.repaint()
        except (OSError, ValueError) as error:
            self._trouble = f"The doctor cannot be asked: {error}. `openlora doctor` may say more."
        self._looking = False
        page.repaint()

    def write(self, width: int) -> list[Row]:
        """How it stands, what is worth a look, then a block for each group."""
        if self._trouble:
            rows = [Row(line, "warn") for line in wrapped(self._trouble, width)]
        elif self._looking:
            said = "Looking at this machine; importing torch and its friends takes some seconds …"
            rows = [Row(line, "dim") for line in wrapped(said, width)]
        else:
            rows = [Row(line, "bright") for line in wrapped(summary(self._checks), width)]
        for title, some in [("Worth a look", grave(self._checks)), *_grouped(self._checks)]:
            if some:
                rows += [Row(), Row(title, "bright")]
            for check in some:
                rows += self._rows(check, width)
        return rows

    def _rows(self, check: Check, width: int) -> list[Row]:
        glyphs, role = self.tui.glyphs, _ROLE[check.state]
        mark = glyphs.status["succeeded"] if check.state == "good" else glyphs.severity[check.state]
        first, *rest = wrapped(one_line(check.found), width - _INDENT)
        text = role if check.state in ("warning", "blocker") else "text"
        head = Row(f"  {mark} ", role).add(f"{one_line(check.name):<12} ", "dim").add(first, text)
        rows = [head, *(Row(" " * _INDENT).add(line, text) for line in rest)]
        arrow = "→ " if glyphs.rule == "─" else "> "
        for index, line in enumerate(wrapped(one_line(check.do), width - _INDENT - 2) if check.do else []):
            rows.append(Row(" " * _INDENT).add(arrow if index == 0 else "  ", "dim").add(line, "accent"))
        return rows


def _grouped(checks: list[Check]) -> list[tuple[str, list[Check]]]:
    titles = dict.fromkeys(check.group for check in checks)
    return [(title, [check for check in checks if check.group == title]) for title in titles]


async def examine(columns: int, rows: int) -> AsyncIterator[list[Check]]:
    """Run the doctor in a terminal of that size, and end it where nobody waits for it any more.

    Raises:
        OSError, ValueError: it cannot be started, or ended before it had said anything.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "engine.doctor"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"COLUMNS": str(columns), "LINES": str(rows)},
        start_new_session=True,
    )
    assert process.stdout is not None
    said = False
    try:
        async for line in process.stdout:
            said = True
            yield msgspec.json.decode(line, type=list[Check])
        if not said:
            raise ValueError(f"it ended with status {await process.wait()}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # with the children that import
                os.killpg(process.pid, signal.SIGKILL)
