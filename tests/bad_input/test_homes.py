"""A home with damaged run directories: the engine lives, whole runs work, and each damage is named."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import events as ev
from engine.run_dir import RunDir, all_runs
from tests.bad_input.telling import NAMES, check_safe, outcome, said

RECIPE = "model: ./nowhere\ndata: ./none.jsonl\n"
NEWER = b'{"event":"teleported","t":1.0}\n{"event":"step","t":1.0,"step":-5}\n{"event":"step","t":"x"}\n'


def whole(root: Path, run: str, name: str = "fine", *, recipe: str = RECIPE) -> RunDir:
    """A run that has ended well."""
    directory = RunDir(root, run)
    directory.path.mkdir()
    directory.recipe.write_text(recipe)
    begun = ev.Created(run=run, name=name, model="m", data=["d"])
    ended = ev.Finished(run=run, outcome="succeeded", steps=3, loss=1.0, adapter="/nowhere")
    directory.events.write_bytes(ev.encode(begun) + ev.encode(ended))
    return directory


def garbage(run: RunDir) -> None:
    run.events.write_bytes(b"\0" * 5000 + b"garbage\n{\n\xff\xfe\n" + b'{"event":"created"}\n')


def missing(run: RunDir) -> None:
    run.events.unlink()


def folder(run: RunDir) -> None:
    run.events.unlink()
    run.events.mkdir()


def pipe(run: RunDir) -> None:
    run.events.unlink()
    os.mkfifo(run.events)


def newer(run: RunDir) -> None:
    run.events.write_bytes(run.events.read_bytes().replace(b"\n", b"\n" + NEWER, 1))


def no_recipe(run: RunDir) -> None:
    run.recipe.unlink()


def bad_job(run: RunDir) -> None:
    for name in ("job.json", "worker.json", "model.json"):
        (run.path / name).write_bytes(b"{garbage \xff")


def torn(run: RunDir) -> None:
    run.events.write_bytes(run.events.read_bytes() + b'{"event":"log","t":1.0,"te')


def waiting(run: RunDir) -> None:
    """It has not ended, and its recipe is none any more."""
    run.events.write_bytes(run.events.read_bytes().splitlines(keepends=True)[0])
    run.recipe.write_text("- nonsense\x1b[31m")
    (run.path / "job.json").write_text("null")
    run.mark_live()


def waiting_folder(run: RunDir) -> None:
    folder(run)
    run.mark_live()


DAMAGES: dict[Callable[[RunDir], None], tuple[str, str]] = {
    # what was done to the run: its status then, and what is said
    garbage: ("failed", "holds no first event"),
    missing: ("failed", "is missing"),
    folder: ("failed", "it is a folder"),
    pipe: ("failed", "it is a pipe"),
    newer: ("succeeded", ""),
    no_recipe: ("succeeded", ""),
    bad_job: ("succeeded", ""),
    torn: ("succeeded", ""),
    waiting: ("failed", ""),
    waiting_folder: ("failed", ""),
}


def damaged(root: Path) -> dict[str, tuple[str, str]]:
    """A home with a run of each kind, and what else may lie about in it."""
    expected = {}
    old = time.time() - 3600
    for number, (damage, words) in enumerate(DAMAGES.items(), 1):
        run = whole(root, str(number))
        damage(run)
        os.utime(run.path, (old, old))
        expected[run.run] = words
    (root / "runs" / "99").write_text("a file")
    for name in ("007", "9" * 26, "junk", "²", "-1"):
        (root / "runs" / name).mkdir()
    (root / "runs" / "98").symlink_to("98")
    for name in ("777", "²", "zz"):
        (root / "live" / name).touch()
    (root / "store.sqlite").write_bytes(b"no database" * 1000)
    (root / "deleted.jsonl").write_bytes(
        b'\xff\0garbage\n[]\n5\n{"run":{}}\n{"run":"17"}\n{"a":"\xff"}\n' + b"[" * 100_000
    )
    return expected


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert outcome("runs", "--json") == 0
    return {row["run"]: row for row in json.loads(capsys.readouterr().out)["runs"]}


def test_damaged_runs_are_named_and_the_others_work(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = damaged(home)
    assert all_runs(home) == list(expected)
    end = time.monotonic() + 20
    while True:
        rows = listed(capsys)
        if {run: row["status"] for run, row in rows.items()} == {run: s for run, (s, _) in expected.items()}:
            break
        assert time.monotonic() < end, [
            (run, row["status"], row["reason"]) for run, row in reversed(rows.items())
        ]
        time.sleep(0.1)
    for run, (status, words) in expected.items():
        assert words in rows[run]["reason"]
        assert outcome("runs", "show", run) == 0
        assert status in capsys.readouterr().out
        assert outcome("runs", "watch", run) == (0 if status == "succeeded" else 1)
        capsys.readouterr()
    assert outcome("runs") == 0
    check_safe("".join(capsys.readouterr()))

    for run, (_, words) in expected.items():
        said(capsys, "runs", "pause", run, status=1)
        if words:
            assert said(capsys, "runs", "resume", run, status=1)["why"]
            assert outcome("runs", "delete", run, "--yes") == 0
            capsys.readouterr()
    without = str([*DAMAGES].index(no_recipe) + 1)
    assert outcome("new", "--from", without) == 2
    capsys.readouterr()
    assert set(listed(capsys)) == {run for run, (_, words) in expected.items() if not words}


def test_runs_that_are_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole(home, "1")
    for word in [*NAMES, "0", "007", "-5", "9" * 26, "1e3", "٣", "99"]:
        if word.strip():
            said(capsys, "runs", "show", "--", word)
    for words in (["stop"], ["watch"], ["resume"], ["delete", "--yes"], ["save"], ["resume", "--foreground"]):
        said(capsys, "runs", *words, "77")
    for limit in ("-5", "0", "9" * 30, "x", "9" * 5000, "²"):
        said(capsys, "runs", "list", "--limit", limit)
    said(capsys, "runs", "explode")
    said(capsys, "explode")
    said(capsys, "\x1b[31m")


def test_strange_names_of_runs_are_shown_safely(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(NAMES, 1):
        whole(home, str(number), name.encode("utf-8", "replace").decode())
    assert outcome("runs") == 0
    for number in (1, 2, 3, 4, 5, 9):
        assert outcome("runs", "show", number) == 0
        assert outcome("runs", "watch", number) == 0
    out, err = capsys.readouterr()
    check_safe(out + err)
    assert max(map(len, (out + err).splitlines())) < 300
