"""The doctor waits for nothing for long, and nothing that breaks takes the rest with it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.doctor import child
from engine.doctor.check import Check, good
from engine.doctor.examine import examine


def fine() -> Iterator[Check]:
    yield good("one", "as it should be")


def breaks() -> Iterator[Check]:
    yield good("before", "found")
    raise RuntimeError("no such bus")


def test_what_breaks_or_hangs_is_told_after_what_it_found_and_the_others_count() -> None:
    for_ever = threading.Event()

    def hangs() -> Iterator[Check]:
        yield good("before", "found")
        for_ever.wait()

    looks = [("A", breaks), ("B", hangs), ("C", fine)]
    a, b, c = examine(looks, seconds=0.5)
    for_ever.set()
    assert [(check.name, check.state) for check in a] == [("before", "good"), ("doctor", "warning")]
    assert "no such bus" in a[1].found
    assert [(check.name, check.state) for check in b] == [("before", "good"), ("time", "warning")]
    assert [(check.group, check.name, check.state) for check in c] == [("C", "one", "good")]


def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> str:
    (tmp_path / "a_probe.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return "a_probe"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died by SIGSEGV"),
        ("import time; time.sleep(60)", "no answer within 1 s"),
        ("raise ImportError('libcudart.so.13: cannot open')", "libcudart.so.13: cannot open"),
        ("raise SystemExit(3)", "exit status 3"),
    ],
)
def test_a_child_that_crashes_hangs_or_raises_is_silent_with_its_reason(
    code: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = probe(tmp_path, monkeypatch, f"print('{{}}', flush=True)\n{code}")
    answer = child.ask(name, seconds=1.0 if "sleep" in code else 30.0)
    assert why in answer.trouble


def test_what_a_library_prints_before_its_answer_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"print('welcome to this library')\nprint({json.dumps(json.dumps({'a': 1}))})"
    assert child.ask(probe(tmp_path, monkeypatch, code), seconds=30.0) == child.Answer([{"a": 1}])


def test_what_was_said_before_a_crash_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os\nprint('{\"a\": 1}', flush=True)\nos.abort()"
    answer = child.ask(probe(tmp_path, monkeypatch, code), seconds=30.0)
    assert answer == child.Answer([{"a": 1}], "its process died by SIGABRT")
