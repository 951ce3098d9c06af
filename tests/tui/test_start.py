"""The command looks at its terminal first, and a fault of the app ends in a file."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from openlora_tui.start import _write_fault


def test_without_a_terminal_it_declines_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openlora_tui.start"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "needs a terminal" in done.stderr


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    code = (
        "import sys, openlora_tui.start as start; start._prepare_textual(); import openlora_tui.app\n"
        "heavy = 'torch transformers peft psutil ruamel tokenizers peewee pynvml jinja2 '\n"
        "heavy += 'multiprocessing.managers'\n"
        "print([name for name in heavy.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_fault_is_written_whole_into_the_home(home: Path) -> None:
    try:
        raise RuntimeError("something broke")
    except RuntimeError as error:
        path = _write_fault(error)
    assert path == str(home / "tui.log")
    text = Path(path).read_text()
    assert "Traceback" in text
    assert "something broke" in text


async def test_tasks_begin_in_their_turn_whatever_the_python(opened: Any) -> None:
    """From Python 3.12 on Textual sets a factory whose tasks begin at once, which `run_test` does not."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda loop, work, **more: asyncio.Task(work, loop=loop, **more))
    async with opened():
        assert loop.get_task_factory() is None
