"""`openlora estimate` in a home with past runs: what they took corrects what is predicted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import bus
from engine import events as ev
from engine.run_dir import RunDir
from openlora_tui.cli.main import main
from openlora_tui.cli.session import Session
from tests.engine.process.driving import wait_for

MODEL = "tiiuae/falcon-rw-1b"
WORDS = ["estimate", "--quick", "--model", MODEL, "--devices", "cpu", "--max-length", "512"]


@pytest.fixture
def past(home: Path) -> Path:
    """A home with three runs that peaked 10, 20 and 30 % above what was predicted."""
    for number in (1, 2, 3):
        run = str(number)
        events: list[ev.Event] = [
            ev.Created(run=run, name="n", model=MODEL, data=["rows.txt"], t=1.0),
            ev.Queued(reason="", t=1.0),
            ev.Started(pid=4, host="here", device="cpu", t=1.0),
            ev.Predicted(bytes=10 << 30, t=1.0),
            ev.Measured(phase="training", bytes=(10 + number) << 30, t=1.0),
            ev.Finished(run=run, outcome="succeeded", steps=1, loss=1.0, adapter=None, t=2.0),
        ]
        directory = RunDir(home, run)
        directory.path.mkdir(parents=True)
        directory.events.write_bytes(b"".join(map(ev.encode, events)))
    return home


def test_past_runs_correct_the_figure_where_an_engine_tells_of_them(
    past: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (alone["corrected_bytes"], alone["runs"]) == (None, 0)
    assert bus.engine_pid(past) is None
    with Session(past) as session:
        wait_for(session.rows, lambda rows: [row.status for row in rows] == ["succeeded"] * 3)
        assert main([*WORDS, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["peak_bytes"] == alone["peak_bytes"]
        assert found["corrected_bytes"] == int(1.2 * found["peak_bytes"])
        assert found["runs"] == 3
        assert main(WORDS) == 0
        said = capsys.readouterr().out
        assert "Your last 3 runs of this model on this machine peaked 20 % above what was predicted" in said
        assert main([*WORDS, "--json", "--gpu-memory", "24GiB"]) == 0
        assert json.loads(capsys.readouterr().out)["runs"] == 0
