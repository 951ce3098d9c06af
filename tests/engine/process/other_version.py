"""Another version of both packages: a copy of this one, edited, which child processes import instead."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import engine

OLDER: Final = "0.0.9"
NEWER: Final = "9.9.9"
_HERE: Final = Path(engine.__file__).resolve().parents[1]


class OtherVersion:
    """The copy in `folder`."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
        for name in ("engine", "openlora_tui"):
            shutil.copytree(_HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.edit("engine/__init__.py", f'"{engine.__version__}"', f'"{version}"')

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))

    @property
    def python_path(self) -> str:
        """What PYTHONPATH has to be, for a child process to import it."""
        rest = os.environ.get("PYTHONPATH") or str(_HERE)
        return f"{self.folder}{os.pathsep}{rest}"

    def remove(self) -> None:
        shutil.rmtree(self.folder)
