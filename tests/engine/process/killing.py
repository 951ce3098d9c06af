"""Kills front end, engine or worker at a chosen place, resumes, and judges what came of it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import psutil

from engine import bus, faults
from engine import events as ev
from engine import messages as m
from engine.event_log import EventReader
from engine.recipe import template
from engine.run_dir import RunDir
from tests.engine.process import judging

STEPS: Final = 60
PLACES: Final = {
    "worker": ("starting", "step", "checkpoint", "event", "adapter"),
    "engine": ("submit", "starting", "step", "adapter", "burial", "resume"),
    "front end": ("submit", "starting", "step", "adapter"),
    "all three": ("starting", "step", "checkpoint", "adapter"),
}
"""Who is killed, and where; `burial` and `resume` follow a kill of the worker."""
PATIENCE: Final = 150.0
_RUN: Final = "1"


class Missed(Exception):
    """The moment had passed before the kill."""


class Verdict(msgspec.Struct):
    """What came of one kill: what is wrong, by the promise that it breaks."""

    victim: str
    place: str
    seed: str
    resumed: list[str] = []
    adapter: list[str] = []
    events: list[str] = []
    store: list[str] = []
    clean: list[str] = []

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as promised."""
        return [*self.resumed, *self.adapter, *self.events, *self.store, *self.clean]


def prepare(folder: Path, model: Path) -> Path:
    """A recipe of a second or two, with dropout, evaluations and checkpoints."""
    rows = [f"Row {i} says that {i} and {i + 1} make {2 * i + 1}, which is odd." for i in range(200)]
    (folder / "rows.txt").write_text("\n".join(rows))
    values: dict[str, object] = {
        "model": str(model), "data": "rows.txt", "max_length": 64, "max_steps": STEPS, "lora_r": 4,
        "lora_dropout": 0.1, "learning_rate": 5e-3, "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 2, "save_steps": 10, "eval_steps": 20, "sample_steps": 0,
        "devices": "cpu",
    }  # fmt: skip
    path = folder / "quick.yaml"
    path.write_text(template(values))
    return path


def never_killed(root: Path, recipe: Path) -> RunDir:
    """The run that all others must equal."""
    command = [sys.executable, "-m", "openlora_tui.cli.main", "train", str(recipe), "--foreground"]
    environment = os.environ | {"OPENLORA_HOME": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return RunDir(root, _RUN)


def attempt(victim: str, place: str, seed: str, root: Path, recipe: Path, unbroken: RunDir) -> Verdict:
    """One kill in a home of its own, which must be empty.

    Raises:
        Missed: nothing was killed, because the moment had passed.
    """
    scene = _Scene(root, recipe, random.Random(f"{seed} {victim} {place}"))
    verdict = Verdict(victim=victim, place=place, seed=seed)
    try:
        before = scene.play(victim, place)
        verdict.resumed = scene.bring_to_the_end(victim, place, before)
        scene.leave()
        assert not verdict.resumed, "the rest was not looked at"
        verdict.adapter = judging.adapter(scene.run, unbroken)
        verdict.events = judging.events(scene.run, unbroken, before)
        verdict.store = judging.store(root)
        verdict.clean = judging.leftovers(root)
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        verdict.resumed = [*verdict.resumed, f"{type(error).__name__}: {error}"]
        for check in ("adapter", "events", "store", "clean"):
            setattr(verdict, check, getattr(verdict, check) or ["not looked at"])
    finally:
        for process in judging.processes(root):
            process.kill()
    return verdict


class _Scene:
    """A front end that trains in a home of its own, and ways to end processes of it."""

    def __init__(self, root: Path, recipe: Path, dice: random.Random) -> None:
        self.run = RunDir(root, _RUN)
        self._root = root
        self._recipe = recipe
        self._dice = dice
        self._reader = EventReader(self.run.events)
        self._step = 0
        self._front: subprocess.Popen[bytes] | None = None

    def play(self, victim: str, place: str) -> bytes:
        """Train, wait for the moment, kill; returns the whole lines of the events at that time."""
        step = self._dice.randrange(1, STEPS - 2)
        fault = {faults.VARIABLE: f"torn-event@{step}"} if place == "event" else {}
        self._front = self._openlora("train", str(self._recipe), "--json", **fault)
        if place == "event":
            self._wait(lambda: self._killed_by_itself())
        else:
            self._moment(place, step)
            self._kill(victim)
        return self._whole_lines()

    def bring_to_the_end(self, victim: str, place: str, before: bytes) -> list[str]:
        """Do what a person would do; returns what did not go as promised."""
        assert self._front is not None
        wrong = []
        if victim in ("engine", "worker"):
            status = self._front.wait(PATIENCE)
            killed = victim == "worker" or place == "burial"
            unanswered = "The engine ended before it answered" in self._said("train")
            if status != int(killed) and place != "resume" and not unanswered:
                wrong.append(f"`openlora train` ended with status {status}: {self._said('train')}")
        if not self.run.path.is_dir():
            assert place == "submit", "there is no run"
            return wrong + self._ends_well("train", str(self._recipe))
        ended = self._outcome()
        if not isinstance(ended, ev.Finished):
            begun = b'"started"' in before  # a run that has not begun still waits, and needs nobody
            dead = isinstance(ended, ev.Failed) or (victim == "all three" and begun)
            wrong += self._ends_well("runs", "resume" if dead else "watch", _RUN)
        return wrong

    def leave(self) -> None:
        """Let an engine see the end and leave; wait until every process has ended."""
        self._openlora("runs", "show", _RUN).wait(PATIENCE)
        with contextlib.suppress(bus.LOST):
            bus.connect(self._root).exchange("leave", [m.encode(m.Leave(front="leave"))])
        end = time.monotonic() + 20
        while list(judging.processes(self._root)) and time.monotonic() < end:
            time.sleep(0.05)

    def _moment(self, place: str, step: int) -> None:
        pause = 0.03
        match place:
            case "submit":
                self._wait(self.run.path.is_dir, busy=True)
            case "starting":
                self._wait(lambda: self._told() > 0)
                pause = self._dice.choice((0.05, 1.0, 4.0))
            case "step":
                self._wait(lambda: self._reached(step))
            case "checkpoint":
                self._wait(lambda: self._reached(step))
                self._wait(lambda: any(self.run.checkpoints.glob(".*")), busy=True)
                pause = 0.01
            case "adapter":
                self._wait(lambda: self._reached(STEPS - 2))
                self._wait(lambda: any(self.run.path.glob(".adapter*")), busy=True)
                pause = 0.005  # on an idle machine a tiny adapter is written and looked at in 10 ms
            case "burial":
                self._wait(lambda: self._reached(step))
                self._kill("worker")
                pause = 0.2
            case "resume":
                self._wait(lambda: self._reached(step))
                self._kill("worker")
                assert self._front is not None
                self._front.wait(PATIENCE)
                lines = self._told()
                self._front = self._openlora("runs", "resume", _RUN)
                self._wait(lambda: self._told() > lines)
                pause = 0.1
        time.sleep(self._dice.uniform(0, pause))
        if isinstance(self._outcome(), ev.Finished):
            raise Missed

    def _kill(self, victim: str) -> None:
        """SIGKILL, and wait until it is dead."""
        if victim in ("worker", "all three"):
            self._wait(lambda: self._worker is not None)
        pids = {
            "worker": [self._worker],
            "engine": [bus.engine_pid(self._root)],
            "front end": [self._front.pid if self._front else None],
        }
        pids["all three"] = [pid for each in pids.values() for pid in each]
        found = [pid for pid in pids[victim] if pid is not None]
        assert found, f"there is no {victim} to kill"
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        self._wait(lambda: not any(_lives(pid) for pid in found))

    @property
    def _worker(self) -> int | None:
        record = self.run.worker()
        return record.pid if record is not None and record.alive else None

    def _killed_by_itself(self) -> bool:
        return isinstance(self._outcome(), ev.Failed)

    def _wait(self, holds: Callable[[], bool], *, busy: bool = False) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            if isinstance(self._outcome(), ev.Finished):
                raise Missed
            assert time.monotonic() < end, "the moment never came"
            time.sleep(0 if busy else 0.002)

    def _told(self) -> int:
        return self._whole_lines().count(b"\n")

    def _reached(self, step: int) -> bool:
        for line in self._reader:
            event = ev.decode(line)
            self._step = event.step if isinstance(event, ev.Step) else self._step
        return self._step >= step

    def _whole_lines(self) -> bytes:
        try:
            raw = self.run.events.read_bytes()
        except FileNotFoundError:
            return b""
        return raw[: raw.rfind(b"\n") + 1]

    def _outcome(self) -> ev.AnyEvent | None:
        last = self._whole_lines().splitlines()[-1:]
        event = ev.decode(last[0]) if last else None
        return event if isinstance(event, ev.Finished | ev.Failed) else None

    def _openlora(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"OPENLORA_HOME": str(self._root), "OMP_NUM_THREADS": "1"} | variables
        with (self._root / f"{words[0]}.said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "openlora_tui.cli.main", *words],
                env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip

    def _ends_well(self, *words: str) -> list[str]:
        status = self._openlora(*words).wait(PATIENCE)
        return [] if status == 0 else [f"`openlora {words[0]}` ended with {status}: {self._said(words[0])}"]

    def _said(self, name: str) -> str:
        return (self._root / f"{name}.said").read_text(errors="replace")[-400:]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
