"""After a failure the queue goes on, unless its cause would end the next run too."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine import room
from engine.findings import Category, Finding
from engine.messages import JobContext
from engine.recipe import parse
from engine.repair.spreading import Work, spreads


def work(folder: Path, *, devices: str = "auto", python: str = "/py") -> Work:
    recipe = msgspec.structs.replace(parse("model: m\ndata: d\n").recipe, devices=devices)
    return Work(JobContext(python=python, cwd="/", umask=0), recipe, folder)


def found(category: Category, title: str = "It failed.", severity: str = "blocker") -> list[Finding]:
    return [msgspec.convert({"category": category, "severity": severity, "title": title}, Finding)]


def test_a_card_that_fails_holds_back_what_needs_a_card(tmp_path: Path) -> None:
    lost = found("cuda_driver_or_arch", "The card failed: Xid 79.")
    on_card = work(tmp_path)
    assert "Xid 79" in spreads(lost, on_card, work(tmp_path))
    assert spreads(lost, on_card, work(tmp_path, devices="cpu")) == ""
    assert spreads(lost, work(tmp_path, devices="cpu"), on_card) == ""


def test_a_full_disk_holds_back_while_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = found("save_or_disk")
    monkeypatch.setattr(room, "free", lambda folder: 1000)
    assert "Free some space" in spreads(full, work(tmp_path), work(tmp_path))
    monkeypatch.setattr(room, "free", lambda folder: 1 << 40)
    assert spreads(full, work(tmp_path), work(tmp_path)) == ""


def test_missing_packages_hold_back_runs_of_the_same_python(tmp_path: Path) -> None:
    missing = found("dependency_version", "The training packages cannot be imported.")
    assert "Install" in spreads(missing, work(tmp_path), work(tmp_path))
    assert spreads(missing, work(tmp_path), work(tmp_path, python="/other")) == ""


@pytest.mark.parametrize(
    "category", ["oom", "nan_or_inf", "dataset_format", "other", "target_modules_not_found"]
)
def test_what_is_a_recipes_own_trouble_holds_nothing_back(tmp_path: Path, category: Category) -> None:
    assert spreads(found(category), work(tmp_path), work(tmp_path)) == ""
    assert spreads([], work(tmp_path), work(tmp_path)) == ""
