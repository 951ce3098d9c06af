"""Torch, its friends, the cards and 4-bit products: what is found becomes a verdict and what to do."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import packages
from engine.doctor import cards, child, training
from engine.doctor.cards import Card, Driver

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
GIB = 1 << 30


def torch(**changes: Any) -> dict[str, Any]:
    facts = {"version": "2.13.0", "cuda": "13.0", "hip": None, "cards": 1, "trouble": "",
             "archs": ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]}  # fmt: skip
    return facts | changes


def card(*capability: int) -> Card:
    return Card(index=0, name="A card", used=GIB, total=24 * GIB, capability=(capability[0], capability[1]))


def test_the_ranges_are_those_of_the_package() -> None:
    wanted = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["train"]
    for name, (low, high) in packages.RANGES.items():
        bounds = f">={'.'.join(map(str, low))}" + (f",<{'.'.join(map(str, high))}" if high else "")
        assert f"{name}{bounds}" in wanted


@pytest.mark.parametrize(
    ("version", "state"),
    [("2.9.0", "good"), ("2.13.0+cpu", "good"), ("2.14.0", "warning"), ("2.8.1+cu128", "warning")],
)
def test_torch_of_another_version_is_told_with_the_range(version: str, state: str) -> None:
    check = training.torch_check(torch(version=version))
    assert check.state == state
    assert state == "good" or "2.9 up to, not including, 2.14" in check.do


def test_what_cannot_be_imported_stops_everything() -> None:
    why = {"trouble": "OSError: libcudart.so.13: cannot open shared object file"}
    for check in (training.torch_check(why), training.library_check("peft", why)):
        assert (check.state, "libcudart" in check.found) == ("blocker", True)
        assert "pip install" in check.do


@pytest.mark.parametrize(
    ("trouble", "state"),
    [("no answer within 25 s", "warning"), ("its process died by SIGILL", "blocker")],
)
def test_the_step_that_ended_the_probe_is_named_once_with_what_was_not_reached(
    trouble: str, state: str
) -> None:
    said = [{"step": "torch", **torch()}]
    found = list(training.training_checks(["torch", "transformers", "peft"], child.Answer(said, trouble)))
    ended = [check for check in found if trouble in check.found]
    assert [(check.name, check.state) for check in ended] == [("transformers", state)]
    assert "not reached: peft, cards" in ended[0].found
    assert found[0].state == "good"


@pytest.mark.parametrize(
    ("facts", "state", "said"),
    [
        (torch(), "good", "offers CUDA 12.4"),
        (torch(cuda=None, archs=[], cards=0), "warning", "built for the CPU"),
        (torch(cards=0), "warning", "torch sees no card"),
        (torch(trouble="RuntimeError: CUDA driver error"), "warning", "CUDA driver error"),
        (None, "good", "offers CUDA 12.4"),
    ],
)
def test_the_driver_against_torch(facts: dict[str, Any] | None, state: str, said: str) -> None:
    if facts is not None and facts["cuda"]:
        facts["cuda"] = "12.8"
    check = cards.driver_check(Driver(version="550.54", cuda=(12, 4)), facts)
    assert (check.state, said in check.found) == (state, True)


def test_a_driver_that_is_too_old_names_the_one_that_is_not() -> None:
    check = cards.driver_check(Driver(version="550.54", cuda=(12, 4)), torch(cuda="13.0"))
    assert check.state == "warning"
    assert "too old" in check.found
    assert "580.65" in check.do
    assert "built for CUDA 12" in check.do


@pytest.mark.parametrize(
    ("capability", "archs", "runs"),
    [
        ((8, 6), ["sm_80"], True),
        ((8, 0), ["sm_86"], False),
        ((9, 0), ["sm_80", "sm_86"], False),
        ((9, 0), ["sm_80", "compute_80"], True),
        ((12, 0), ["sm_90", "sm_120"], True),
        ((9, 0), ["sm_90a"], True),
        ((6, 1), ["sm_75", "compute_90"], False),
        ((10, 3), ["sm_100f"], True),
    ],
)
def test_which_card_a_torch_has_code_for(capability: tuple[int, int], archs: list[str], runs: bool) -> None:
    assert cards.covered(capability, archs) is runs


def test_cards_without_code_without_bf16_and_as_they_should_be() -> None:
    assert cards.card_check(card(6, 1), torch()).state == "warning"
    old = cards.card_check(card(7, 5), torch())
    assert (old.state, "no bf16" in old.found) == ("note", True)
    fine = cards.card_check(card(9, 0), torch())
    assert (fine.state, fine.found) == ("good", "A card, 1.0 GiB of 24.0 GiB used, compute 9.0, bf16")


def test_a_card_on_the_bus_without_a_driver_is_counted(tmp_path: Path) -> None:
    for name, vendor, kind in (
        ("a", "0x10de", "0x030200"),
        ("b", "0x10de", "0x040300"),
        ("c", "0x8086", "0x030000"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
        (tmp_path / name / "class").write_text(f"{kind}\n")
    assert cards.cards_on_the_bus(tmp_path) == 1


@pytest.mark.parametrize(
    ("rounding", "product", "state"),
    [(0.0998, 0.0, "good"), (0.0998, 0.3, "warning"), (1.4, 1.4, "warning"), (0.0, 0.0, "warning"),
     (math.nan, math.nan, "warning")],
)  # fmt: skip
def test_a_4_bit_product_is_judged_by_the_error_that_nf4_has(
    rounding: float, product: float, state: str
) -> None:
    right = {"trouble": "", "device": "cpu", "gradient": 0.0, "moments": 0.0}
    answer = {**right, "rounding": rounding, "product": product}
    assert training.four_bit_check(answer).state == state


@pytest.mark.parametrize("broken", ["gradient", "moments"])
def test_a_product_that_is_right_is_not_enough_to_train(broken: str) -> None:
    answer = {
        "trouble": "",
        "device": "cpu",
        "rounding": 0.1,
        "product": 0.0,
        "gradient": 0.0,
        "moments": 0.0,
    }
    assert training.four_bit_check(answer).state == "good"
    for wrong in (1.0, math.nan):
        assert training.four_bit_check({**answer, broken: wrong}).state == "warning"


def test_what_is_absent_says_how_to_get_it() -> None:
    assert "pip install bitsandbytes" in training.four_bit_check(None).do
    assert "openlora-tui[advisor]" in training.llama_check(None).do


def test_a_crash_of_llama_or_an_error_of_bitsandbytes_is_a_warning() -> None:
    said = "its process died by SIGILL"
    for check in (training.four_bit_check({"trouble": said}), training.llama_check(child.Answer([], said))):
        assert (check.state, said in check.found) == ("warning", True)


def test_what_nvml_tells_of_driver_and_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    answers: dict[str, Any] = {
        "nvmlInit": None,
        "nvmlSystemGetCudaDriverVersion_v2": 12_040,
        "nvmlSystemGetDriverVersion": "550.54.15",
        "nvmlDeviceGetCount": 1,
        "nvmlDeviceGetHandleByIndex": 0,
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=GIB, total=24 * GIB),
        "nvmlDeviceGetCudaComputeCapability": (8, 9),
        "nvmlDeviceGetName": "NVIDIA GeForce RTX 4090",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, lambda *words, answer=answer: answer)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    found = list(cards.look(torch(cuda="12.8")))
    assert [(check.name, check.state) for check in found] == [
        ("driver", "good"), ("gpu 0", "good"), ("visible", "note"),
    ]  # fmt: skip
    assert found[1].found == "NVIDIA GeForce RTX 4090, 1.0 GiB of 24.0 GiB used, compute 8.9, bf16"

    def mismatch() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)

    monkeypatch.setattr(pynvml, "nvmlInit", mismatch)
    monkeypatch.setattr(Path, "exists", lambda path: True)
    (broken,) = cards.look(None)
    assert (broken.state, "mismatch" in broken.found) == ("warning", True)


def test_llama_cpp_is_loaded_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "llama_cpp.py").write_text(
        "__version__ = '0.3.36'\nllama_supports_gpu_offload = lambda: True\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{PYPROJECT.parent}")
    check = training.llama_check(child.ask("engine.doctor.probes.llama", seconds=60.0))
    assert (check.state, check.found) == ("good", "llama-cpp-python 0.3.36, built for a GPU")
