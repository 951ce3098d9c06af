"""Lays the demo's recipe and dataset into a home, as files that a person can read, copy and change."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.recipe import template
from engine.starter.cache import model_folder, starter_folder
from engine.starter.logbook import held_out

BUNDLED: Final = Path(__file__).with_name("ships-log.jsonl")
PROMPTS: Final = 4
_HEAD: Final = (
    "# `openlora demo` writes this recipe anew each time; copy it to make it yours.\n"
    "# The sample prompts speak of things, colour and all, that are in no row of the data.\n"
)


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """How the starter model is tuned."""

    steps: int = 320
    rows: int = 16
    rate: float = 8e-3
    rank: int = 16


def lay_out(home: Path, lesson: Lesson) -> Path:
    """Write the dataset and the recipe into the home, and return the recipe's path."""
    folder = starter_folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    atomic.write(folder / BUNDLED.name, BUNDLED.read_bytes())
    path = folder / "demo.yaml"
    atomic.write(path, (_HEAD + template(_values(home, lesson))).encode())
    return path


def _values(home: Path, lesson: Lesson) -> dict[str, object]:
    return {
        "model": f"./{model_folder(home).name}",
        "data": BUNDLED.name,
        "run_name": "demo",
        "max_length": 128,
        "lora_r": lesson.rank,
        "lora_alpha": 2.0 * lesson.rank,
        "learning_rate": lesson.rate,
        "max_steps": lesson.steps,
        "per_device_train_batch_size": lesson.rows,
        "gradient_accumulation_steps": 1,
        "eval_steps": max(lesson.steps // 2, 1),
        "save_steps": 0,
        "sample_steps": lesson.steps,
        "sample_prompts": [row.prompt for row in held_out(PROMPTS)],
        "sample_max_new_tokens": 96,
    }
