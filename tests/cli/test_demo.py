"""`openlora demo`: the whole story on a tiny budget, and how its figures are gathered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import events as ev
from engine.run_state import RunState
from engine.starter.lesson import Lesson, lay_out
from openlora_tui.cli.demo import Sample, StoryPrinter, story

_TINY = """
import sys
from engine.starter.cache import Plan
from engine.starter.lesson import Lesson
from openlora_tui.cli.demo import tell_story
plan = Plan(tales=400, vocabulary=400, width=32, layers=1, heads=2, inner=64, length=64, rows=8, steps=20)
sys.exit(tell_story(as_json=True, plan=plan, lesson=Lesson(steps=4, rows=8, rate=0.05)))
"""


def sampled(step: int, prompt: str, text: str) -> bytes:
    return ev.encode(ev.Sampled(step=step, prompt=prompt, text=text))


def test_first_and_last_answers_become_samples(capsys: pytest.CaptureFixture[str]) -> None:
    printer = StoryPrinter(as_json=True)
    last = ev.encode(ev.Finished(run="1", outcome="succeeded", steps=9, loss=1.0, adapter="/a"))
    lines = [sampled(0, "p", " a"), sampled(5, "p", " b"), sampled(9, "p", " c"), sampled(0, "q", "d"), last]
    printer(RunState(), lines)
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]
    assert shown[-1]["event"] == "finished"
    assert shown[-1]["samples"] == [{"prompt": "p", "before": "a", "after": "c"}]


def test_the_story_is_cleaned_and_names_the_next_step() -> None:
    text = story([Sample("p\x1b[2J", "before it", "after it")], [4.2, 2.5, 1.4], Path("demo.yaml"), "3", 75)
    assert "\x1b" not in text
    for words in (
        "before it",
        "after it",
        "openlora train",
        "openlora-tui",
        "demo.yaml",
        "1 m 15 s",
        "4.200 before, 1.400 after",
        "openlora chat 3",
    ):
        assert words in text


def test_the_recipe_is_an_ordinary_one_with_comments(tmp_path: Path) -> None:
    from engine.recipe import read

    recipe = read(lay_out(tmp_path, Lesson()))
    assert recipe.text.count("#") > 20
    assert Path(recipe.resolved().data_entries[0].path).is_file()
    assert len(recipe.recipe.sample_prompts) == 4


def test_the_whole_story() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _TINY],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, ran.stderr + ran.stdout[-2000:]
    kinds = [line["event"] for line in lines]
    assert kinds.index("progress") < kinds.index("created") < kinds.index("planned")
    last = lines[-1]
    assert last["event"] == "finished"
    assert (Path(last["adapter"]) / "adapter_model.safetensors").is_file()
    assert len(last["samples"]) == 4
    assert all(set(sample) == {"prompt", "before", "after"} for sample in last["samples"])
    assert any(sample["before"] != sample["after"] for sample in last["samples"])
