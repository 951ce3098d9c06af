"""Whom a word names: a run, a folder with a model or an adapter, a hub's model, and what is none of these."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import events as ev
from engine.chat import target
from engine.problem import Problem
from engine.run_state import RunState, fold

CREATED = ev.Created(run="7", name="tickets", model="/models/m", data=["/d.jsonl"])
PLANNED = ev.Planned(
    steps=9, epochs=1, rows=9, eval_rows=0, tokens=9, label_tokens=9, trainable=1, parameters=2, batch_rows=1,
    precision="fp32", form="verbatim",
)  # fmt: skip
SAMPLES = [ev.Sampled(step=s, prompt=p, text="x") for s in (1, 9) for p in ("one", "two")]
FINISHED = ev.Finished(run="7", outcome="succeeded", steps=9, loss=1.0, adapter="/runs/7/adapter")


def state(*more: ev.Event) -> RunState:
    return fold(ev.encode(event) for event in (CREATED, PLANNED, *SAMPLES, *more))


def test_a_run_that_left_an_adapter() -> None:
    spec = target.of_run(state(FINISHED))
    assert (spec.model, spec.adapter, spec.run, spec.name) == ("/models/m", "/runs/7/adapter", "7", "tickets")
    assert (spec.form, spec.mixed_precision) == ("verbatim", "no")
    assert sorted(spec.prompts) == ["one", "two"]


def test_a_run_of_which_all_weights_learnt_left_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    finished = ev.Finished(run="7", outcome="succeeded", steps=9, loss=1.0, adapter=str(tmp_path))
    spec = target.of_run(state(finished))
    assert (spec.model, spec.adapter, spec.run) == (str(tmp_path), "", "7")


@pytest.mark.parametrize(
    ("last", "do"), [((), "finished"), ((ev.Failed(run="7", steps=3, what="It died."),), "resume 7")]
)
def test_a_run_without_one_says_what_to_do(last: tuple[ev.Event, ...], do: str) -> None:
    with pytest.raises(Problem, match="left no adapter") as caught:
        target.of_run(state(*last))
    assert do in caught.value.do


def test_folders_are_known_by_what_lies_in_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    spec = target.of_name(str(tmp_path))
    assert spec is not None
    assert (spec.model, spec.adapter) == (str(tmp_path), "")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "a/b"}')
    spec = target.of_name(str(adapter))
    assert spec is not None
    assert (spec.model, spec.adapter, spec.form) == ("a/b", str(adapter), None)


def test_an_adapter_in_its_runs_folder_is_the_run(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    finished = ev.Finished(run="7", outcome="succeeded", steps=9, loss=1.0, adapter=str(adapter))
    lines = [ev.encode(event) for event in (CREATED, PLANNED, finished)]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    for folder in (adapter, tmp_path):
        spec = target.of_name(str(folder))
        assert spec is not None
        assert (spec.run, spec.form) == ("7", "verbatim")


def test_a_hubs_model_and_a_runs_name() -> None:
    spec = target.of_name("Qwen/Qwen2.5-0.5B")
    assert spec is not None
    assert spec.model == "Qwen/Qwen2.5-0.5B"
    assert target.of_name("tickets") is None
    assert target.of_name("last") is None


@pytest.mark.parametrize(
    ("make", "word"),
    [("empty", "neither a model nor an adapter"), ("nameless", "which model"), ("torn", "cannot be read")],
)
def test_a_folder_that_cannot_be_talked_to(make: str, word: str, tmp_path: Path) -> None:
    text = {"nameless": "{}", "torn": '{"base'}.get(make)
    if text is not None:
        (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(Problem, match=word):
        target.of_name(str(tmp_path))


@pytest.mark.parametrize(("word", "said"), [("model.gguf", r"llama\.cpp"), ("./nowhere", "no such folder")])
def test_what_is_not_there_is_said(word: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        target.of_name(word)
