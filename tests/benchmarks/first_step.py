"""From Start to the first optimizer step: with a spare worker, without one, and by a plain script."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine import bus
from engine import events as ev
from engine.client.link import Link
from engine.event_log import EventReader
from engine.recipe import read, template
from engine.run_dir import RunDir
from openlora_tui.cli.session import Session
from tests.benchmarks.scene import home
from tests.terminal import spread

TITLE: Final = "From Start to the first step"
_ROUNDS: Final = 5
_TINY: Final = Path(__file__).parent.parent / "engine/process/tiny_model.py"
_PLAIN: Final = """
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, rows = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(folder),
                       LoraConfig(task_type="CAUSAL_LM", r=16, target_modules="all-linear"))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
ids = tokenizer([line for line in open(rows)][:16], return_tensors="pt", padding=False, truncation=True,
                max_length=16)["input_ids"]
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
"""
_MARKS: Final = ("worker", "libraries", "data", "model", "first step")


def measure() -> None:
    """A model so small that everything but starting costs next to nothing."""
    with tempfile.TemporaryDirectory() as name:
        recipe = _recipe(Path(name))
        print("| started | to the first step | " + " | ".join(f"…{mark}" for mark in _MARKS) + " |")
        print("|---|---|" + "---|" * len(_MARKS))
        print(f"| a plain script with transformers and peft | {spread(list(_plain(Path(name))), 's', 1)} |"
              + " |" * len(_MARKS))  # fmt: skip
        for spare in (False, True):
            rounds = [_run(recipe, spare) for _ in range(_ROUNDS)]
            who = "in the app, a spare worker waiting" if spare else "`openlora train`, nothing running yet"
            parts = " | ".join(
                f"{sorted(r[i] for r in rounds)[_ROUNDS // 2]:.1f} s" for i in range(len(_MARKS))
            )
            print(f"| {who} | **{spread([sum(r) for r in rounds], 's', 1)}** | {parts} |", flush=True)


def _recipe(folder: Path) -> Path:
    subprocess.run([sys.executable, str(_TINY), str(folder / "model")], check=True, capture_output=True)
    (folder / "rows.txt").write_text("\n".join(f"Row {i} of many, all alike." for i in range(2000)))
    path = folder / "quick.yaml"
    values: dict[str, object] = {
        "model": "./model", "data": "rows.txt", "max_length": 64, "max_steps": 2, "sample_steps": 0,
        "eval_steps": 0, "save_steps": 0, "devices": "cpu",
    }  # fmt: skip
    path.write_text(template(values))
    return path


def _plain(folder: Path) -> Iterator[float]:
    words = [sys.executable, "-c", _PLAIN, str(folder / "model"), str(folder / "rows.txt")]
    for _ in range(_ROUNDS):
        began = time.monotonic()
        subprocess.run(words, check=True, capture_output=True)
        yield time.monotonic() - began


def _run(recipe: Path, spare: bool) -> list[float]:
    """Seconds from one mark to the next, the first from the moment of Start."""
    with home() as root, _ready(root, spare):
        file = read(recipe)
        began = time.time()
        with Session(root) as session:
            run = session.submit(file)
            directory = RunDir(root, run)
            for _ in session.follow(run, session.state(run)):
                if any(isinstance(event, ev.Finished) for event in _events(directory)):
                    break
        times = [_when(_events(directory), mark) for mark in _MARKS]
        return [time - before for before, time in zip([began, *times], times, strict=False)]


@contextmanager
def _ready(root: Path, spare: bool) -> Iterator[None]:
    """With an app attached until the engine keeps a spare that has imported everything, or without."""
    if not spare:
        yield
        return
    link = Link(root, app=True)
    link.start()
    while not _spare_waits(root):
        link.receive()
        time.sleep(0.2)
    yield
    link.close()


def _spare_waits(root: Path) -> bool:
    import psutil

    pid = bus.engine_pid(root)
    if pid is None:
        return False
    try:
        spares = [p for p in psutil.Process(pid).children() if "--spare" in p.cmdline()]
        return any(p.memory_info().rss > 250 << 20 and p.cpu_percent(interval=1.0) < 10 for p in spares)
    except psutil.Error:
        return False


def _events(directory: RunDir) -> list[ev.AnyEvent]:
    return [event for line in EventReader(directory.events).read() if (event := ev.decode(line)) is not None]


def _when(events: list[ev.AnyEvent], mark: str) -> float:
    """When a stage was over, by the event that begins the next one."""
    phases = {event.name: event.t for event in reversed(events) if isinstance(event, ev.Phase)}
    match mark:
        case "worker":
            return next(event.t for event in events if isinstance(event, ev.Started))
        case "libraries":
            return phases["reading data"]
        case "data":
            return phases["loading model"]
        case "model":
            return phases["training"]
    return next(event.t for event in events if isinstance(event, ev.Step))
