"""Side jobs: workers that talk with one front end, and leave with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec
import psutil
import pytest

from engine import bus
from engine import events as ev
from engine.inspection import talk as inspection
from engine.problem import Problem
from engine.starter.cache import Plan, model_folder, starter_folder, whole
from openlora_tui.cli.session import Session, Talk
from tests.engine.process.driving import wait_for

TINY = Plan(tales=300, vocabulary=400, width=16, layers=1, heads=2, inner=32, length=32, rows=4, steps=3)
ENDLESS = msgspec.json.encode(msgspec.structs.replace(TINY, steps=10_000_000))


def heard(talk: Talk) -> Iterator[ev.Event]:
    return (event for body in talk.bodies() if (event := ev.decode(body)) is not None)


def until_it_works(talk: Talk) -> None:
    list(takewhile(lambda event: not isinstance(event, ev.Progress), heard(talk)))


def workers(home: Path) -> list[psutil.Process]:
    """The workers of the home's engine, dead ones left out."""
    pid = bus.engine_pid(home)
    assert pid is not None
    children = psutil.Process(pid).children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]


def test_it_says_how_far_it_is_and_ends_by_itself(home: Path) -> None:
    with Session(home) as session, session.begin("starter", msgspec.json.encode(TINY)) as talk:
        steps = [event.done for event in heard(talk) if isinstance(event, ev.Progress)]
        assert steps == [1, 2, 3]
        assert whole(model_folder(home), TINY)
        wait_for(lambda: workers(home), lambda alive: not alive)
        wait_for(lambda: list((home / "sides").iterdir()), lambda left: not left)


def test_it_leaves_when_it_is_not_wanted_any_more(home: Path) -> None:
    with Session(home) as session:
        with session.begin("starter", ENDLESS) as talk:
            until_it_works(talk)
        wait_for(lambda: workers(home), lambda alive: not alive)
        assert [path.name for path in starter_folder(home).iterdir()] == ["lock"]


def test_it_leaves_with_its_front_end(home: Path) -> None:
    with Session(home) as stays:
        with Session(home) as session:
            talk = session.begin("starter", ENDLESS)
            until_it_works(talk.__enter__())
            assert workers(home)
        wait_for(lambda: workers(home), lambda alive: not alive)
        assert stays.rows() == []


def test_one_that_is_killed_is_explained(home: Path) -> None:
    with Session(home) as session, session.begin("starter", ENDLESS) as talk:
        until_it_works(talk)
        [worker] = workers(home)
        worker.kill()
        with pytest.raises(Problem, match="killed by SIGKILL") as caught:
            list(talk.bodies())
        assert Path(caught.value.where).is_file()


def test_what_it_cannot_read_is_a_problem_and_no_silence(home: Path) -> None:
    with Session(home) as session, session.begin("starter", b"{}x") as talk:
        with pytest.raises(Problem, match="starter job failed") as caught:
            list(talk.bodies())
        assert "Traceback" in Path(caught.value.where).read_text()


def test_with_the_engine_it_ends_too_and_the_front_end_is_told(home: Path) -> None:
    with Session(home) as session, session.begin("starter", ENDLESS) as talk:
        until_it_works(talk)
        [worker] = workers(home)
        pid = bus.engine_pid(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(Problem, match="The engine ended"):
            list(talk.bodies())
        worker.wait(timeout=30)


def test_an_inspection_reads_to_the_end_and_answers_meanwhile(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"prompt": "{i} ?", "completion": "{i}"}}\n' for i in range(500)))
    spec = inspection.encode(inspection.Spec(files=[str(path)]))
    with Session(home) as session, session.begin("inspect", spec) as talk:
        said = (inspection.answer(body) for body in talk.bodies())
        told = next(one for one in said if isinstance(one, inspection.Told) and one.report.done)
        assert told.report.files[0].rows == 500
        talk.tell(inspection.encode(inspection.Window(first=498, count=2)))
        cells = next(one for one in said if isinstance(one, inspection.Cells))
        assert [row[cells.columns.index("completion")] for row in cells.rows] == ["498", "499"]
        assert not [line for line in (home / "sides").iterdir() if line.stat().st_size]


def test_an_inspection_of_what_is_not_there_is_a_problem(home: Path, tmp_path: Path) -> None:
    spec = inspection.encode(inspection.Spec(files=[str(tmp_path / "none.jsonl")]))
    with Session(home) as session, session.begin("inspect", spec) as talk:
        said = (inspection.answer(body) for body in talk.bodies())
        told = next(one for one in said if isinstance(one, inspection.Told) and one.report.problem)
        assert told.report.problem
        assert "does not exist" in told.report.problem["what"]
