"""Which cards a recipe may have, of those that the machine and the job's environment show."""

from __future__ import annotations

import pytest

from engine.leases.asked import Asked, asked
from engine.leases.cards import Lease, devices_in, offered, ranks_in
from engine.messages import Gpu
from engine.problem import Problem

CARDS = [
    Gpu(index=n, name="A100", uuid=uuid, used=0, total=80 << 30)
    for n, uuid in enumerate(["GPU-aa11", "GPU-bb22", "GPU-cc33"])
]
MIG = [
    Gpu(index=0, name="A100 1g.10gb", uuid="MIG-11aa", used=0, total=10 << 30, instance=0),
    Gpu(index=0, name="A100 1g.10gb", uuid="MIG-22bb", used=0, total=10 << 30, instance=1),
    Gpu(index=1, name="A100", uuid="GPU-bb22", used=0, total=80 << 30),
]
Devices = str | int | list[int | str]


def _found(devices: Devices, visible: str | None = None, cards: list[Gpu] = CARDS) -> list[str]:
    env = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    return [card.uuid.partition("-")[2] for card in offered(asked(devices), env, cards)]


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        ("auto", Asked(auto=True)),
        ("AUTO ", Asked(auto=True)),
        ("cpu", Asked(cpu=True)),
        ("cpu:2", Asked(count=2, cpu=True)),
        (2, Asked(count=2)),
        ("2", Asked(count=2)),
        ("cuda:2", Asked(names=("2",))),
        ("0,1", Asked(count=2, names=("0", "1"))),
        ("cuda:0,1", Asked(count=2, names=("0", "1"))),
        ([0, 1], Asked(count=2, names=("0", "1"))),
        (["cuda:3"], Asked(names=("3",))),
        (["GPU-8f3a"], Asked(names=("GPU-8f3a",))),
        ("MIG-GPU-8f3a/1/0", Asked(names=("MIG-GPU-8f3a/1/0",))),
        ("cuda:0:1", Asked(names=("0:1",))),
    ],
)
def test_a_list_names_cards_and_a_whole_number_counts_them(devices: Devices, says: Asked) -> None:
    assert asked(devices) == says


@pytest.mark.parametrize("devices", [0, "0", -1, "cpu:0", "banana", [], ["0", "x"], [1, 1], "1,,2", ""])
def test_what_is_no_device_is_refused_with_what_to_write(devices: Devices) -> None:
    with pytest.raises(ValueError, match=r"Write |Name "):
        asked(devices)


@pytest.mark.parametrize(
    ("devices", "visible", "expected"),
    [
        ("auto", None, ["aa11", "bb22", "cc33"]),
        ("cpu", "1", []),
        (2, None, ["aa11", "bb22", "cc33"]),
        ([1], None, ["bb22"]),
        (["GPU-cc"], None, ["cc33"]),
        ([2, 0], None, ["cc33", "aa11"]),
        ("auto", "", []),
        ("auto", "-1", []),
        ("auto", "2,0", ["cc33", "aa11"]),
        ("auto", " 1 , 2 ", ["bb22", "cc33"]),
        ("auto", "GPU-bb22,0", ["bb22", "aa11"]),
        ("auto", "1,9,0", ["bb22"]),
        ("auto", "GPU-unknown", []),
        ([0], "2,0", ["aa11"]),
    ],
)
def test_the_recipe_and_the_environment_decide(
    devices: Devices, visible: str | None, expected: list[str]
) -> None:
    assert _found(devices, visible) == expected


@pytest.mark.parametrize(
    ("devices", "visible", "why"),
    [
        ([7], None, "cuda:0, cuda:1, cuda:2"),
        (["cuda:1"], "2", "cuda:2"),
        (1, "", "no NVIDIA card"),
        (4, None, "3 of them"),
        (2, "1", "one to the job: cuda:1"),
        (["GPU-dd"], None, "cuda:0"),
    ],
)
def test_cards_that_are_not_there_or_not_shown_are_a_problem_that_names_the_others(
    devices: Devices, visible: str | None, why: str
) -> None:
    with pytest.raises(Problem) as caught:
        _found(devices, visible)
    assert caught.value.where == "devices"
    assert why in caught.value.why


def test_instances_of_a_mig_card_are_named_by_card_and_number_or_by_their_own_uuid() -> None:
    assert _found("auto", cards=MIG) == ["11aa", "22bb", "bb22"]
    assert _found(["0:1"], cards=MIG) == ["22bb"]
    assert _found(["MIG-11"], cards=MIG) == ["11aa"]
    assert _found([1], cards=MIG) == ["bb22"]
    assert Lease(cards=(MIG[1],)).name == "cuda:0:1"
    assert Lease(cards=(MIG[1],)).shown["CUDA_VISIBLE_DEVICES"] == "MIG-22bb"
    with pytest.raises(Problem, match="Instances of a MIG card"):
        _found(["0:0", "0:1"], cards=MIG)


@pytest.mark.parametrize(
    ("lease", "name", "devices", "ranks"),
    [
        (Lease(), "cpu", ["cpu"], 1),
        (Lease(ranks=2), "cpu:2", ["cpu"], 2),
        (Lease(cards=(CARDS[1],)), "cuda:1", ["cuda:1"], 1),
        (Lease(cards=(CARDS[0], CARDS[2]), ranks=2), "cuda:0,2", ["cuda:0", "cuda:2"], 2),
    ],
)
def test_a_leases_name_tells_its_devices_and_its_ranks(
    lease: Lease, name: str, devices: list[str], ranks: int
) -> None:
    assert (lease.name, devices_in(name), ranks_in(name)) == (name, devices, ranks)


def test_a_job_sees_its_devices_and_no_other() -> None:
    assert Lease().shown == {"CUDA_VISIBLE_DEVICES": ""}
    both = Lease(cards=(CARDS[2], CARDS[0]), ranks=2)
    assert both.shown["CUDA_VISIBLE_DEVICES"] == "GPU-cc33,GPU-aa11"
