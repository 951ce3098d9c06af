"""What a step ate: a finished run tells it from its seed and its rows, as the loop drew them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import events as ev
from engine.advisor.trial import tried
from engine.eaten.look import Kitchen
from engine.findings import Finding
from engine.problem import Problem
from engine.recipe.yaml import template
from engine.run_dir import RunDir
from engine.run_state import RunState
from engine.train.guard import ledger
from tests.engine.train.conftest import Run

_ASK = """
import sys
from openlora_tui.cli.main import main
status = main(["runs", "eaten", "1", "--step", "3", "--json"])
assert not {"torch", "transformers", "numpy"} & sys.modules.keys()
sys.exit(status)
"""


@pytest.fixture
def finished(
    job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[RunDir, dict[int, list[int]]]:
    """A run in a home, and the rows that its loop drew."""
    drawn: dict[int, list[int]] = {}
    entered = ledger.Ledger.enter

    def watched(self: ledger.Ledger, entry: ledger.Entry, figures: Any) -> None:
        drawn[entry.step] = entry.rows
        entered(self, entry, figures)

    monkeypatch.setattr(ledger.Ledger, "enter", watched)
    directory = RunDir(tmp_path, "1")
    directory.path.mkdir(parents=True)
    made = msgspec.structs.replace(job(max_steps=8), folder=directory.path, tokens=tmp_path / "tokens")
    given = {name: value for name, value in msgspec.to_builtins(made.recipe).items() if value is not None}
    directory.recipe.write_text(template(given))
    run = Run(made)
    assert isinstance(run.end, ev.Finished), run.end
    directory.events.write_bytes(b"".join(map(ev.encode, run.events)))
    return directory, drawn


def test_a_finished_run_tells_what_each_step_was_taught_with(
    finished: tuple[RunDir, dict[int, list[int]]], rows: Path
) -> None:
    directory, drawn = finished
    kitchen = Kitchen(directory)
    lines = rows.read_text().splitlines()
    for step, taken in drawn.items():
        eaten = kitchen.eaten(step)
        assert len(eaten.rows) == len(taken)
        assert eaten.loss is not None
        for row in eaten.rows:
            answer = json.loads(lines[int(row.where.rpartition(":")[2]) - 1])["answer"]
            learnt = "".join(part.text for part in row.parts if part.learnt)
            assert answer[:20] in learnt
    for nowhere in (0, 10):
        with pytest.raises(Problem, match="has no step"):
            kitchen.eaten(nowhere)


def test_it_is_asked_for_without_torch(finished: tuple[RunDir, dict[int, list[int]]]) -> None:
    directory, drawn = finished
    asked = subprocess.run(
        [sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=120, check=False,
        env={"OPENLORA_HOME": str(directory.root), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    told = json.loads(asked.stdout)
    assert told["step"] == 3
    assert len(told["rows"]) == len(drawn[3])


def test_data_that_changed_since_is_not_told_as_if_it_had_been(
    finished: tuple[RunDir, dict[int, list[int]]], rows: Path
) -> None:
    directory, _ = finished
    before = rows.read_text()
    try:
        rows.write_text("".join(before.splitlines(keepends=True)[::-1]))
        with pytest.raises(Problem, match="not what it was"):
            Kitchen(directory)
    finally:
        rows.write_text(before)


def test_the_labels_of_a_step_are_counted_for_its_diagnosis(
    finished: tuple[RunDir, dict[int, list[int]]],
) -> None:
    directory, drawn = finished
    zero = Finding(category="loss_zero", severity="blocker", title="0", confidence=0.5, step=3)
    (told,) = tried(directory, RunState(run="1"), [zero])
    assert told.evidence[0].startswith("test: ")
    assert told.evidence[0].endswith("tokens of step 3 have a label")
    assert "not masking" in told.cause
    assert drawn[3]
