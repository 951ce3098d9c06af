"""What every test shares: a home of its own, and the folder of shared material where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines differ and are busy: an example may take its time.
settings.register_profile("openlora", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `HYPOTHESIS_PROFILE=long just test tests/fuzz` looks for what an hour of luck would find.
settings.register_profile("long", settings.get_profile("openlora"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "openlora"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh `OPENLORA_HOME`, which the test's child processes inherit."""
    path = tmp_path / "home"
    (path / "runs").mkdir(parents=True)
    monkeypatch.setenv("OPENLORA_HOME", str(path))
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The models and data beside the checkout."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip(f"there is no folder {path} with models and data")
    return path
