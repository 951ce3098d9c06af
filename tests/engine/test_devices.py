"""Which device a recipe may have, of those that the machine and the job's environment show."""

from __future__ import annotations

import pytest

from engine.messages import Gpu, JobContext
from engine.problem import Problem
from engine.recipe import Recipe
from engine.server.devices import candidates, environment_for

CARDS = [
    Gpu(index=n, name="A100", uuid=uuid, used=0, total=80 << 30)
    for n, uuid in enumerate(["GPU-aa11", "GPU-bb22", "GPU-cc33"])
]
ALL = ["cuda:0", "cuda:1", "cuda:2"]


def _found(devices: str | int, visible: str | None = None, cards: list[Gpu] = CARDS) -> list[str]:
    env = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    context = JobContext(python="", cwd="/", umask=0, env=env)
    return candidates(Recipe(model="m", data="d", devices=devices), context, cards)


@pytest.mark.parametrize(
    ("devices", "visible", "expected"),
    [
        ("auto", None, ALL),
        ("AUTO ", None, ALL),
        ("cpu", None, ["cpu"]),
        ("cpu", "1", ["cpu"]),
        (1, None, ["cuda:1"]),
        ("1", None, ["cuda:1"]),
        ("cuda:2", None, ["cuda:2"]),
        ("auto", "", ["cpu"]),
        ("auto", "-1", ["cpu"]),
        ("auto", "2,0", ["cuda:2", "cuda:0"]),
        ("auto", " 1 , 2 ", ["cuda:1", "cuda:2"]),
        ("auto", "GPU-bb22,0", ["cuda:1", "cuda:0"]),
        ("auto", "1,9,0", ["cuda:1"]),
        ("auto", "GPU-unknown", ["cpu"]),
        (0, "2,0", ["cuda:0"]),
    ],
)
def test_the_recipe_and_the_environment_decide(
    devices: str | int, visible: str | None, expected: list[str]
) -> None:
    assert _found(devices, visible) == expected


def test_without_cards_auto_is_the_cpu() -> None:
    assert _found("auto", cards=[]) == ["cpu"]
    assert _found("auto", "0", cards=[]) == ["cpu"]


@pytest.mark.parametrize(
    ("devices", "visible", "offer"),
    [
        (7, None, "cuda:0, cuda:1, cuda:2"),
        (-1, None, "cuda:0, cuda:1, cuda:2"),
        ("cuda:1", "2", "cuda:2"),
        (0, "", "no NVIDIA card"),
        ("banana", None, "cuda:0"),
    ],
)
def test_a_card_that_is_not_there_or_not_shown_is_a_problem_that_names_the_others(
    devices: str | int, visible: str | None, offer: str
) -> None:
    with pytest.raises(Problem) as caught:
        _found(devices, visible)
    assert caught.value.where == "devices"
    assert offer in caught.value.why


def test_a_job_sees_its_device_and_no_other() -> None:
    assert environment_for("cpu", CARDS) == {"CUDA_VISIBLE_DEVICES": ""}
    assert environment_for("cuda:1", CARDS)["CUDA_VISIBLE_DEVICES"] == "GPU-bb22"
