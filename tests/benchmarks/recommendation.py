"""Settings that past runs recommend for datasets they have not seen, beside the default and the first guess.

Every run is real: one of two tiny models, some hundred rows of a real dataset, three epochs, one seed. All
runs on a dataset have the same held-out rows, length and epochs; what differs is the rate, the rows a step,
rank, alpha, targets, schedule and warm-up. To advise on a dataset, all runs on it and its kin, of both
models, are left out.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from engine.lessons.lesson import Lesson
from engine.recipe.recipe import Recipe

TITLE: Final = "Recommendation (bar: after experience, less regret than the default and the first guess)"
_SHARED: Final = Path(__file__).resolve().parents[2].parent / "shared"
_MODELS: Final = ("stories260K", "aidreams260K")
_CHARACTERS: Final = 45_000
"""Of a dataset: some 20,000 tokens, so that a run takes seconds."""
_LONGEST: Final = 900
"""Characters of a row that count: what is longer is cut."""
_OTHERS: Final = 4
"""Runs of each task with settings by chance, beside the default's and the first guess's."""
_FIXED: Final = {
    "num_train_epochs": 3.0, "max_length": 256, "eval_split": 0.1, "save_steps": 0,
    "sample_steps": 0, "truncation": "cut", "bad_rows": "drop", "devices": "cpu",
}  # fmt: skip
_VARIED: Final = (
    "learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "lora_r", "lora_alpha",
    "use_rslora", "target_modules", "lr_scheduler_type", "warmup_ratio",
)  # fmt: skip
_ARMS: Final = ("default", "first guess", "after experience")


class Task(msgspec.Struct, frozen=True):
    """One dataset with one model."""

    family: str
    """Datasets of one family are left out together."""
    file: Path
    model: Path
    seed: int

    @property
    def name(self) -> str:
        """Such as `gsm8k, stories260K`."""
        return f"{self.file.stem}, {self.model.name}"


class Ran(msgspec.Struct):
    """One run and what it taught."""

    task: str
    family: str
    arm: str
    lesson: Lesson


def measure(*words: str) -> bool | None:
    """Record the runs, recommend for each dataset from the others, run that, and compare.

    Args:
        words: `--keep=FOLDER` keeps data and runs there, so that a campaign can go on; `--seed=N` takes
            other rows, other settings by chance and another seed of the runs; `--past=FOLDER` advises from
            the recorded runs of an earlier campaign, and records none by chance.
    """
    given = dict(word.lstrip("-").split("=", 1) for word in words if "=" in word)
    keep, seed = given.get("keep", ""), int(given.get("seed", "0"))
    if not _SHARED.is_dir():
        print("Left out: there is no folder `shared` with models and data beside the repository.")
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(keep or name)
        folder.mkdir(parents=True, exist_ok=True)
        tasks = list(_tasks(folder, seed))
        kept = _Kept(folder / "runs.jsonl")
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            situations = {task.name: _situation(task) for task in tasks}
            jobs = [job for task in tasks for job in _recorded(task, situations[task.name])]
            earlier = _Kept(Path(given["past"]) / "runs.jsonl").runs if "past" in given else []
            kept.add(pool, [job for job in jobs if not earlier or job[1] in _ARMS])
            past = [ran for ran in earlier or kept.runs if ran.arm != _ARMS[2]]
            kept.add(pool, [_advised(task, situations[task.name], past) for task in tasks])
        return _report(tasks, kept.runs)


# --- the tasks ---


def _tasks(folder: Path, seed: int) -> Iterator[Task]:
    for family, name, text in _datasets(seed):
        file = folder / name
        file.write_text(text)
        for model in _MODELS:
            yield Task(family, file, _SHARED / "models" / model, seed)


def _datasets(seed: int) -> Iterator[tuple[str, str, str]]:
    """Family, file name and content of each: some rows of real datasets, the first ones with seed 0."""
    data = _SHARED / "data"
    demo = data / "llamafactory_demo"
    for family, path in (
        ("alpaca", demo / "alpaca_en_demo.json"),
        ("alpaca", demo / "alpaca_zh_demo.json"),
        ("tools", demo / "glaive_toolcall_en_demo.json"),
    ):
        yield family, f"{path.stem}.jsonl", _some(json.loads(path.read_text()), seed)
    for family, path in (
        ("gsm8k", data / "gsm8k" / "train.jsonl"),
        ("reasoning", demo / "v1_sft_demo.jsonl"),
    ):
        yield family, f"{family}.jsonl", _some([json.loads(line) for line in path.open()], seed)
    for family, path in (
        ("self_instruct", data / "self_instruct_seed" / "seed_tasks.jsonl"),
        ("user_oriented", data / "user_oriented_instructions" / "user_oriented_instructions.jsonl"),
    ):
        rows = [json.loads(line) for line in path.open()]
        flat = [{"instruction": row["instruction"], **row["instances"][0]} for row in rows]
        yield family, f"{family}.jsonl", _some(flat, seed)
    lines = (data / "banking77" / "train.csv").read_text().splitlines()
    yield (
        "banking77",
        "banking77.csv",
        "\n".join([lines[0], *random.Random(seed).sample(lines[1:], 500)]) + "\n",
    )
    for family, path in (
        ("shakespeare", data / "tinyshakespeare" / "input.txt"),
        ("wiki", demo / "wiki_demo.txt"),
        ("corpus", data / "tinystories_sample" / "corpus.en"),
    ):
        yield family, f"{family}.txt", path.read_text()[seed * _CHARACTERS :][:_CHARACTERS]


def _some(rows: list[Any], seed: int) -> str:
    """As many of the rows as there are characters for."""
    if seed:
        random.Random(seed).shuffle(rows)
    lines: list[str] = []
    left = _CHARACTERS
    for row in rows:
        line = json.dumps(row, ensure_ascii=False)
        left -= min(len(line), _LONGEST)
        if left < 0 and lines:
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _situation(task: Task) -> Any:
    from engine.recommend.look import Looking

    fixed: dict[str, Any] = {**_FIXED, "seed": 42 + task.seed}
    recipe = Recipe(model=str(task.model), data=str(task.file), **fixed)
    looking = Looking(recipe, frozenset(fixed))
    for _ in looking.steps():
        pass
    return looking.situation()


# --- the runs ---


def _recorded(task: Task, situation: Any) -> Iterator[tuple[Task, str, Recipe]]:
    """The default, the first guess, and some by chance."""
    guess = _guessed(situation)
    plain = Recipe(model="", data="")
    default = replace(guess, **{name: getattr(plain, name) for name in _VARIED})
    yield task, "default", default
    yield task, "first guess", guess
    draw = random.Random(f"{task.name}{task.seed or ''}")
    for number in range(_OTHERS):
        rank = draw.choice((4, 8, 16, 32))
        yield task, f"chance {number}", replace(
            default,
            learning_rate=float(f"{10 ** draw.uniform(-3.7, -1.5):.1e}"),
            per_device_train_batch_size=draw.choice((4, 8, 16, 32)),
            gradient_accumulation_steps=1,
            lora_r=rank,
            lora_alpha=float(draw.choice((16, 32, 2 * rank))),
            target_modules=draw.choice(("all-linear", "all-linear", "attention")),
            lr_scheduler_type=draw.choice(("cosine", "linear", "constant")),
            warmup_ratio=draw.choice((0.0, 0.03, 0.1)),
        )  # fmt: skip


def _advised(task: Task, situation: Any, past: list[Ran]) -> tuple[Task, str, Recipe]:
    from engine.recommend.advise import recommend

    others = [ran.lesson for ran in past if ran.family != task.family]
    return task, _ARMS[2], _held(recommend(situation, others).recipe)


def _guessed(situation: Any) -> Recipe:
    from engine.recommend.advise import recommend

    return _held(recommend(situation).recipe)


def _held(recipe: Recipe) -> Recipe:
    """The recipe measured as all others are: five looks at the held-out rows, the last one counts too."""
    return replace(recipe, eval_steps=1_000_000, load_best_model_at_end=False)


class _Kept:
    """Runs that are done, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.runs = [msgspec.json.decode(line, type=Ran) for line in lines]

    def add(self, pool: ProcessPoolExecutor, jobs: list[tuple[Task, str, Recipe]]) -> None:
        """Do the runs that are not there yet."""
        done = {(ran.task, ran.arm) for ran in self.runs}
        left = [job for job in jobs if (job[0].name, job[1]) not in done]
        first = len(self.runs) + 1
        asked = [(str(first + at), recipe) for at, (_, _, recipe) in enumerate(left)]
        for (task, arm, _), told in zip(left, pool.map(_lesson, asked), strict=True):
            ran = Ran(task.name, task.family, arm, msgspec.json.decode(told, type=Lesson))
            self.runs.append(ran)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(ran) + b"\n")


def _lesson(asked: tuple[str, Recipe]) -> bytes:
    """What a run teaches; called in a process that imports torch once."""
    import torch

    from engine import events as ev
    from engine.job import Job
    from engine.lessons.learn import lesson_of
    from engine.recipe import template
    from engine.run_dir import RunDir
    from engine.run_state import fold
    from engine.train.loop import train

    torch.set_num_threads(1)
    run, recipe = asked
    with tempfile.TemporaryDirectory() as home:
        directory = RunDir(Path(home), run)
        directory.path.mkdir(parents=True)
        told = [ev.encode(ev.Created(run=run, name=run, model=recipe.model, data=[str(recipe.data)]))]

        def report(event: ev.Event, /) -> None:
            told.append(ev.encode(event))

        end = train(Job(run=run, folder=directory.path, recipe=recipe, device="cpu"), report, _NoOrders())
        told.append(ev.encode(end))
        values = {name: value for name, value in msgspec.structs.asdict(recipe).items() if value is not None}
        directory.recipe.write_text(template(values))
        return msgspec.json.encode(lesson_of(fold(told), directory))


class _NoOrders:
    def next(self) -> None:
        return None


# --- the table ---


def _report(tasks: list[Task], runs: list[Ran]) -> bool:
    losses: dict[str, dict[str, float]] = {}
    for ran in runs:
        loss, start = ran.lesson.eval_loss, ran.lesson.first_eval_loss
        losses.setdefault(ran.task, {})[ran.arm] = loss if loss is not None else start or float("inf")
    print("| dataset, model | best known | default | first guess | after experience |")
    print("|---|---|---|---|---|")
    regrets: dict[str, list[float]] = {arm: [] for arm in _ARMS}
    for task in tasks:
        known = losses[task.name]
        best = min(known.values())
        row = [f"{best:.3f}"]
        for arm in _ARMS:
            regrets[arm].append(known[arm] - best)
            row.append(f"+{known[arm] - best:.3f}")
        print(f"| {task.name} | {' | '.join(row)} |")
    for name, figure in (("mean", mean), ("median", median), ("worst", max)):
        print(f"| **{name} regret** | | {' | '.join(f'**{figure(regrets[arm]):.3f}**' for arm in _ARMS)} |")
    wins = sum(after < guess for after, guess in zip(regrets[_ARMS[2]], regrets[_ARMS[1]], strict=True))
    recorded = sum(ran.arm != _ARMS[2] for ran in runs)
    print(f"\n{recorded} recorded runs; better than the first guess on {wins} of {len(tasks)}. Nats a token.")
    after = mean(regrets[_ARMS[2]])
    return after < mean(regrets[_ARMS[0]]) and after < mean(regrets[_ARMS[1]])
