"""What every test shares: a home of its own, and the folder of shared material where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines differ and are busy: an example may take its time.
settings.register_profile("openlora", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("openlora")


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
