"""A run tells what its rows, template, mask and tokenizer are known by, so that only like is compared."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine import events as ev
from engine.lessons.prints import Prints
from tests.engine.train.conftest import Start

CUT = 56
"""Some answers are cut, and none is cut away."""


def _prints(start: Start, name: str, **changes: object) -> Prints:
    (planned,) = start(name, max_steps=1, eval_split=0.2, **changes).of(ev.Planned)
    assert isinstance(planned, ev.Planned)
    return planned.prints


def test_the_same_rows_have_the_same_prints_wherever_they_lie_and_each_change_shows_in_its_own(
    start: Start, rows: Path, llama: Path, gpt2: Path, tmp_path: Path
) -> None:
    first = _prints(start, "first")
    assert all(
        [first.rows, first.held, first.mask, first.tokenizer, first.family, first.layers, first.hidden]
    )
    copy = Path(shutil.copy(rows, tmp_path / "elsewhere.jsonl"))
    assert _prints(start, "copied", data=str(copy), learning_rate=1e-5) == first
    redrawn = _prints(start, "redrawn", seed=5)
    assert redrawn.held != first.held
    assert redrawn.tokenizer == first.tokenizer
    cut = _prints(start, "cut", max_length=CUT)
    assert (cut.held, cut.tokenizer) == (first.held, first.tokenizer)
    assert cut.mask != first.mask
    other = _prints(start, "other", model=str(gpt2))
    assert (other.held, other.family) == (first.held, "gpt2")
    copy.write_text(copy.read_text() + copy.read_text().splitlines()[0] + "\n")
    assert _prints(start, "grown", data=str(copy)).rows != first.rows
