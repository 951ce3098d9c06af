"""The advisor with a model: what it says is judged, and whatever becomes of it, the person gets an answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import events as ev
from engine.findings import Finding
from engine.llama.gguf import Gguf
from engine.llama.process import Process
from engine.llama.words import Load
from engine.local_model import talk
from engine.local_model.chosen import Chosen, choose
from engine.local_model.sense import judge
from engine.local_model.voice import Limits, Voice
from engine.messages import Gpu
from engine.run_dir import RunDir, process_start
from tests.engine.local_model.conftest import Front

Fronts = Callable[..., Front]
FOUND = Finding(
    category="loss_spike_divergence", severity="warning", title="The loss leaps for a step",
    cause="Odd rows.", remedy="Read the rows.", step=41,
)  # fmt: skip
GOOD = "The loss leaps at step 41 because of odd rows in that batch [1]. Read the rows of the step."
SCRIPT = """
import json, sys, os, time, signal
said = json.loads(sys.argv[1])
def say(**words): print(json.dumps(words), flush=True)
sys.stdin.readline()
say(say="loaded", context=4096, template=False, gpu=False, seconds=0.0)
for line in sys.stdin:
    ask = json.loads(line)
    if ask["say"] != "ask": continue
    if "change" in ask["grammar"]:
        text = said["change"]
    else:
        text = said["text"]
        if "fault" in said: say(say="piece", number=ask["number"], text="half an")
        if said.get("fault") == "dies": os.kill(os.getpid(), signal.SIGSEGV)
        if said.get("fault") == "stalls": time.sleep(999)
        for word in text.split(" "): say(say="piece", number=ask["number"], text=word + " ")
        if said.get("endless"):
            while json.loads(sys.stdin.readline())["say"] != "stop": pass
            say(say="done", number=ask["number"], text="half an", tokens=2, seconds=1.0, stopped_by="asked")
            continue
    by = said.get("ended", "stop")
    say(say="done", number=ask["number"], text=text, tokens=9, seconds=1.0, stopped_by=by)
"""
PATIENT = Limits(load=60, word=60, cancel=60)


class Scripted:
    """Makes voices whose process is a script that says what it is told to."""

    def __init__(self, limits: Limits = PATIENT, **said: object) -> None:
        self.loads: list[Load] = []
        self.envs: list[dict[str, str]] = []
        self._limits = limits
        self._said = {"text": GOOD, "change": '{"change": null, "rests_on": []}', **said}

    def __call__(self, model: Gguf, root: Path) -> Voice:
        return Voice(model, root, self._limits, self._start)

    def _start(self, load: Load, env: dict[str, str]) -> Process:
        self.loads.append(load)
        self.envs.append(env)
        self._process = Process(load, env, (sys.executable, "-c", SCRIPT, json.dumps(self._said)))
        return self._process

    @property
    def started(self) -> int:
        return len(self.loads)

    def alive(self) -> bool:
        return process_start(self._process.pid) is not None


@pytest.fixture
def file(home: Path, stories: Path) -> Path:
    """The model that was chosen in this home."""
    path = home / "stories.gguf"
    shutil.copy(stories, path)
    choose(home, Chosen(model=str(path)))
    return path


def ask(front: Front, text: str = "why did the loss jump at 41?") -> talk.Answer:
    return front.answer(text, run="1", findings=[FOUND])


def test_a_real_model_is_loaded_asked_and_judged(fronts: Fronts, file: Path, run: RunDir) -> None:
    front = fronts(talk.Spec())
    ready = front.heard()
    assert isinstance(ready, talk.Ready)
    assert ready.model == "stories260K"
    said = front.ask("is it going well?", run="1", findings=[FOUND])
    assert any(isinstance(one, talk.Piece) for one in said)
    assert any(isinstance(one, talk.Loading) and one.done for one in said)
    answer = said[-1]
    assert isinstance(answer, talk.Answer)
    assert answer.by == "rules"  # a model of stories has told a story, which is no answer
    assert "put aside" in answer.note
    assert "[1]" in answer.text


def test_an_answer_of_the_model_cites_by_number_and_proposes_what_the_checks_pass(
    fronts: Fronts, file: Path, run: RunDir
) -> None:
    front = fronts(talk.Spec(), Scripted(change='{"change": {"learning_rate": 1e-4}, "rests_on": [1]}'))
    said = front.ask("why did the loss jump at 41?", run="1", findings=[FOUND])
    answer = said[-1]
    assert isinstance(answer, talk.Answer)
    assert (answer.by, answer.text, answer.cites) == ("model", GOOD, [1])
    assert "".join(one.text for one in said if isinstance(one, talk.Piece)).strip() == GOOD
    assert answer.proposal is not None
    assert answer.proposal.patch.label == "learning_rate 2e-4 -> 1e-4"
    assert answer.proposal.cites == [1]


@pytest.mark.parametrize(
    "change",
    [
        '{"change": {"learning_rate": 40000.0}, "rests_on": [1]}',
        '{"change": {"model": "evil/model"}, "rests_on": []}',
        '{"change": {"lora_r": 0}, "rests_on": []}',
        '{"change": {"load_in_4bit": true, "load_in_8bit": true}, "rests_on": []}',
    ],
)
def test_a_proposal_that_cannot_be_run_is_refused_in_words(
    fronts: Fronts, file: Path, run: RunDir, change: str
) -> None:
    answer = ask(fronts(talk.Spec(), Scripted(change=change)))
    assert answer.by == "model"
    assert answer.proposal is None
    assert "refused" in answer.note


@pytest.mark.parametrize(
    "change", ['{"change": {"learning_rate": 2e-4}, "rests_on": [1]}', '{"change": {"lea', ""]
)
def test_no_proposal_comes_of_what_changes_nothing_or_was_cut_off(
    fronts: Fronts, file: Path, run: RunDir, change: str
) -> None:
    assert ask(fronts(talk.Spec(), Scripted(change=change))).proposal is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("the loss the loss the loss the loss the loss is the loss of the loss", "repeated"),
        ("Once upon a time there was a little girl named Lily who loved her red ball.", "something else"),
        ("The training loss fell from 7.31 to 5.55 by step 8,123 with rate 0.77.", "made up figures"),
        ("", "next to nothing"),
    ],
)
def test_nonsense_is_put_aside_for_the_rules_answer(
    fronts: Fronts, file: Path, run: RunDir, text: str, why: str
) -> None:
    answer = ask(fronts(talk.Spec(), Scripted(text=text)))
    assert answer.by == "rules"
    assert why in answer.note
    assert "leapt to 9 at step 41" in answer.text


def test_a_word_or_two_of_the_subject_make_no_answer() -> None:
    story = '"Well, all you can. It is a bird!" said the mouse. They showed the step.'
    assert judge(story, "step 4, loss 2", "why?").nonsense == "it spoke of something else"


def test_the_words_of_rows_do_not_make_a_story_an_answer() -> None:
    story = "Lily likes red balls and goes to the park with Tom to play."
    assert (
        judge(story, f"step 4 learnt: «{story}»", "is it going well?").nonsense
        == "it spoke of something else"
    )


def test_an_answer_without_end_is_ended_at_a_sentence(fronts: Fronts, file: Path, run: RunDir) -> None:
    answer = ask(fronts(talk.Spec(), Scripted(text=f"{GOOD} The other rows of the", ended="length")))
    assert (answer.text, answer.note) == (GOOD, "It was longer.")


def test_a_single_figure_of_its_own_is_told() -> None:
    judged = judge("The loss leaps at step 41 to 9, its gradient was 77.5.", "step 41 loss 9", "why")
    assert judged.nonsense == ""
    assert judged.invented == ["77.5"]


def test_figures_may_be_rounded_or_made_percentages() -> None:
    facts = "learning rate 0.0002, loss by step: 100 2.4537, share 0.205"
    assert judge("At a learning rate of 2e-4 the loss is 2.45, 20.5% lower.", facts, "").invented == []


def test_an_answer_in_another_script_is_not_taken_for_nonsense() -> None:
    assert (
        judge("Потери выросли на шаге из-за странных строк в наборе данных.", "loss", "почему?").nonsense
        == ""
    )


@pytest.mark.parametrize("fault", ["dies", "stalls"])
def test_a_model_that_crashes_or_stalls_is_tried_once_more_and_then_left(
    fronts: Fronts, file: Path, run: RunDir, fault: str
) -> None:
    voice = Scripted(Limits(load=60, word=60 if fault == "dies" else 0.5), fault=fault)
    front = fronts(talk.Spec(), voice)
    first = ask(front)
    assert (first.by, voice.started) == ("rules", 2)
    assert ("SIGSEGV" if fault == "dies" else "said nothing") in first.note
    second = ask(front)
    assert (second.by, voice.started) == ("rules", 3)
    assert "leapt to 9" in ask(front).text
    assert voice.started == 3  # three failures are enough


def test_a_real_model_that_is_killed_comes_back(fronts: Fronts, file: Path, run: RunDir) -> None:
    pids: list[int] = []

    class Watched(Voice):
        def _load(self, *words: object) -> None:
            super()._load(*words)  # type: ignore[arg-type]
            pids.append(self.pid)

    front = fronts(talk.Spec(), lambda model, root: Watched(model, root, Limits(word=60)))
    ask(front)
    os.kill(pids[-1], signal.SIGSEGV)
    assert "put aside" in ask(front).note
    assert pids[-1] != pids[0]


def test_memory_is_given_back_when_it_was_not_asked_for_long(fronts: Fronts, file: Path, run: RunDir) -> None:
    voice = Scripted(Limits(load=60, word=60, idle=0))
    front = fronts(talk.Spec(), voice)
    assert ask(front).by == "model"
    end = time.monotonic() + 60
    while voice.alive():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert ask(front).by == "model"
    assert voice.started == 2


def test_a_card_and_cores_are_left_to_a_run_that_comes(
    fronts: Fronts, file: Path, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Gpu(index=0, name="card", uuid="GPU-0", used=0, total=24 << 30)
    monkeypatch.setattr("engine.local_model.voice.gpus", lambda: [card])
    monkeypatch.setattr("engine.local_model.voice._LOOK", 0.0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    voice = Scripted()
    front = fronts(talk.Spec(), voice)
    assert ask(front).by == "model"
    assert (voice.loads[0].gpu_layers > 5, voice.envs[0]["CUDA_VISIBLE_DEVICES"]) == (True, "GPU-0")
    run.mark_live()
    queued = RunDir(run.root, "2")
    queued.path.mkdir()
    queued.events.write_bytes(ev.encode(ev.Queued(t=1.0, reason="waits")))
    queued.mark_live()
    end = time.monotonic() + 60
    while voice.alive():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert ask(front).by == "model"
    assert (voice.loads[1].gpu_layers, voice.envs[1]["CUDA_VISIBLE_DEVICES"]) == (0, "")


def test_a_stop_ends_an_answer_and_keeps_what_was_said(fronts: Fronts, file: Path, run: RunDir) -> None:
    front = fronts(talk.Spec(), Scripted(endless=True))
    front.tell(talk.Question(number=5, text="why?", run="1"))
    front.until(lambda said: isinstance(said, talk.Piece))
    front.tell(talk.Cancel())
    answer = front.until(lambda said: isinstance(said, talk.Answer))[-1]
    assert isinstance(answer, talk.Answer)
    assert (answer.number, answer.cancelled, answer.text) == (5, True, "half an")


def test_the_next_question_ends_the_one_before(fronts: Fronts, file: Path, run: RunDir) -> None:
    front = fronts(talk.Spec(), Scripted(endless=True))
    for number in (1, 2):
        front.tell(talk.Question(number=number, text="why?", run="1"))
        front.until(lambda said, n=number: isinstance(said, talk.Piece) and said.number == n)
    front.tell(talk.Cancel())
    answer = front.until(lambda said: isinstance(said, talk.Answer))[-1]
    assert isinstance(answer, talk.Answer)
    assert (answer.number, answer.cancelled) == (2, True)


def test_a_model_whose_file_has_gone_leaves_the_rules_and_says_so(
    fronts: Fronts, file: Path, run: RunDir
) -> None:
    file.unlink()
    front = fronts(talk.Spec())
    ready = front.heard()
    assert isinstance(ready, talk.Ready)
    assert ready.model == ""
    assert "not there" in ready.note
    assert ask(front).by == "rules"


def test_a_file_that_llama_cpp_cannot_load_is_said_once_and_not_tried_again(
    fronts: Fronts, file: Path, run: RunDir
) -> None:
    file.write_bytes(file.read_bytes()[:300_000])
    front = fronts(talk.Spec())
    assert ask(front).by == "rules"
    answer = ask(front)
    assert answer.by == "rules"
    assert answer.note
