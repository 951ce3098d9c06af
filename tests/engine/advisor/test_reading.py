"""Logs, curves and settings of any trainer become a case."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest

from engine.advisor.read.figures import points_in
from engine.advisor.read.gather import case_of_files
from engine.advisor.read.log import read_log
from engine.advisor.read.settings import settings_of
from engine.advisor.read.table import curve_of
from engine.problem import Problem


@pytest.mark.parametrize(
    ("line", "step", "loss", "lr", "norm"),
    [
        ("{'loss': 2.1, 'grad_norm': 1.5, 'learning_rate': 0.0002, 'epoch': 0.01}", 1, 2.1, 2e-4, 1.5),
        ("{'loss': '2.1', 'grad_norm': '1.5', 'learning_rate': '2e-4', 'epoch': '0.01'}", 1, 2.1, 2e-4, 1.5),
        ("step=110 loss=3.80 gnorm=24.4 lr=1e-4", 110, 3.8, 1e-4, 24.4),
        ("Step 7 | loss:2.13 lr:0.0002 tokens_per_second_per_gpu:1200", 7, 2.13, 2e-4, None),
        ("Iter 10: Train loss 2.100, Learning Rate 1.000e-05, It/sec 0.5", 10, 2.1, 1e-5, None),
        ('{"current_steps": 5, "total_steps": 100, "loss": 2.2, "lr": 1e-5}', 5, 2.2, 1e-5, None),
        ("  1%|   | 10/1000 [00:01<00:02, 3.2it/s, loss=2.5]", 10, 2.5, None, None),
        ("iteration   100/ 1000 | lm loss: 2.1E+00 | grad norm: 1.2 |", 100, 2.1, None, 1.2),
        ("1|5|Loss: 2.05:   1%|  | 5/500", 5, 2.05, None, None),
    ],
    ids=[
        "trainer",
        "trainer 5",
        "pairs",
        "torchtune",
        "mlx",
        "llamafactory",
        "bar",
        "megatron",
        "torchtune bar",
    ],
)
def test_a_line_of_figures_is_read_in_every_trainers_words(
    line: str, step: int, loss: float, lr: float | None, norm: float | None
) -> None:
    (point,) = points_in([line])
    assert (point.step, point.loss, point.lr, point.grad_norm) == (step, loss, lr, norm)


def test_figures_that_are_none_and_evaluations_keep_their_place() -> None:
    points = points_in(
        [
            "{'loss': 2.0, 'grad_norm': nan, 'learning_rate': 1e-4}",
            "{'eval_loss': 1.9, 'eval_runtime': 3.2}",
            "{'loss': nan, 'grad_norm': 0.0, 'learning_rate': 1e-4}",
            "{'train_runtime': 12.0, 'train_loss': 1.2}",
            "trainable params: 0 || all params: 1234",
        ]
    )
    assert [(p.step, p.eval_loss) for p in points] == [(1, None), (1, 1.9), (2, None)]
    assert math.isnan(points[0].grad_norm or 0)
    assert math.isnan(points[2].loss or 0)


def test_a_notebooks_table_is_a_curve() -> None:
    points = points_in(["Step\tTraining Loss\tValidation Loss", "10\t2.30\t2.40", "20\t2.20\t2.35", "done"])
    assert [(p.step, p.loss, p.eval_loss) for p in points] == [(10, 2.3, 2.4), (20, 2.2, 2.35)]


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("step,loss,eval_loss\n1,2.0,\n2,,1.9\n", "", [(1, 2.0, None), (2, None, 1.9)]),
        (
            "Wall time,Step,Value\n170.5,1,2.0\n171.5,2,1.5\n",
            "train_loss.csv",
            [(1, 2.0, None), (2, 1.5, None)],
        ),
        ("Wall time,Step,Value\n170.5,1,2.0\n", "eval_loss.csv", [(1, None, 2.0)]),
        (
            '"train/global_step","a - train/loss","a - train/loss__MIN","a - eval/loss"\n'
            "10,2.0,1.9,\n10,,1.8,1.7\n",
            "",
            [(10, 2.0, 1.7)],
        ),
        ("step;train_loss\n1;2,5\n", "", [(1, 2.5, None)]),
        ("epoch\tval_loss\n1\t2.5\n", "", [(0, None, 2.5)]),
    ],
    ids=["ours", "tensorboard", "tensorboard eval", "wandb", "semicolons", "tabs"],
)
def test_tables_of_trackers_are_curves(
    text: str, where: str, told: list[tuple[int, float | None, float | None]]
) -> None:
    assert [(p.step, p.loss, p.eval_loss) for p in curve_of(text, where=where)] == told


def test_a_table_without_a_loss_is_refused_with_its_columns() -> None:
    with pytest.raises(Problem, match="no column with a loss") as refused:
        curve_of("time,cpu\n1,2\n")
    assert "time, cpu" in refused.value.why


def test_settings_are_known_by_their_name_and_by_their_way() -> None:
    said = settings_of(
        {"Lora": {"R": 8}, "datasets": [{"path": "a", "type": "alpaca"}], "r": 16, "tags": ["x"]}
    )
    assert said["lora.r"] == 8
    assert said["r"] == 16
    assert said["datasets.0.type"] == said["type"] == "alpaca"
    assert said["tags"] == ["x"]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_log_is_read_in_every_coding_packed_or_not(tmp_path: Path, coding: str) -> None:
    text = "\x1b[31mstart\x1b[0m\n 1%| | 1/9\r 2%| | 2/9\r{'loss': 2.5}\nCUDA out of memory\n"
    (tmp_path / "a.log").write_bytes(text.encode(coding))
    (tmp_path / "a.gz").write_bytes(gzip.compress(text.encode(coding)))
    for name in ("a.log", "a.gz"):
        log = read_log(tmp_path / name)
        assert log.lines == ["start", "{'loss': 2.5}", "CUDA out of memory"]
        assert [point.loss for point in log.points] == [2.5]


def test_of_a_huge_log_the_ends_and_what_tells_are_kept_by_number(tmp_path: Path) -> None:
    path = tmp_path / "huge.log"
    with path.open("w") as file:
        for n in range(1, 30_001):
            file.write(
                "RuntimeError: 'weight' must be 2-D\n" if n == 9_000 else f"{{'loss': {3 - n / 3e4:.4f}}}\n"
            )
    log = read_log(path)
    assert len(log.lines) < 5_000
    assert log.numbers[log.lines.index("RuntimeError: 'weight' must be 2-D")] == 9_000
    assert (log.numbers[0], log.numbers[-1], log.total) == (1, 30_000, 30_000)
    assert len(log.points) == 29_999
    assert case_of_files(log=path).line_number(400) == 9_000


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04" + b"x" * 50, bytes(range(256)) * 8 + b"\0" * 4000, gzip.compress(b"x" * 90_000)[:60]],
    ids=["zip", "noise", "cut gzip"],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(content)
    with pytest.raises(Problem):
        read_log(path)


def test_a_trainer_state_is_a_curve_whichever_way_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    history = [
        {"step": 10, "loss": 2.0, "grad_norm": None, "learning_rate": 1e-4},
        {"step": 10, "eval_loss": 1.8},
        {"step": 20, "loss": "1.5"},
        {"step": 20, "train_runtime": 3.0, "train_loss": 1.7},
    ]
    path.write_text(json.dumps({"log_history": history}))
    for case in (case_of_files(log=path), case_of_files(curve=path)):
        told = [(p.step, p.loss, p.eval_loss) for p in case.points]
        assert told == [(10, 2.0, None), (10, None, 1.8), (20, 1.5, None)]
        assert math.isnan(case.points[0].grad_norm or 0)
