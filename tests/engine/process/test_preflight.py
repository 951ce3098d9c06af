"""The check of a recipe as a side job of a real engine: a worker without torch answers each look."""

from __future__ import annotations

from pathlib import Path

from engine.preflight import talk
from openlora_tui.cli.session import Session
from tests.engine.preflight.conftest import write_rows
from tests.engine.preflight.making import model

GOOD = "model: ./model\ndata: ./rows.jsonl\nmax_length: 256\n"


def look(number: int, text: str, folder: Path) -> bytes:
    return talk.encode(talk.Look(number=number, text=text, path=str(folder / "recipe.yaml")))


def test_each_look_is_answered(home: Path, tmp_path: Path) -> None:
    model(tmp_path / "model")
    write_rows(tmp_path / "rows.jsonl")
    with Session(home) as session, session.begin("preflight", look(1, GOOD, tmp_path)) as job:
        told = (each for body in job.bodies() if (each := talk.told(body)).done)
        assert next(told).verdict.blockers == []
        job.tell(look(2, f"{GOOD}target_modules: [k_porj]\n", tmp_path))
        second = next(told)
        assert second.number == 2
        assert [found.category for found in second.verdict.blockers] == ["target_modules_not_found"]
