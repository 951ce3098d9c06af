"""Hands a text to the person's own editor, with the terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine.problem import Problem


def edited_elsewhere(text: str, name: str) -> str:
    """`text` as the editor leaves it; the caller has given the terminal away.

    Raises:
        Problem: there is no editor, it fails, or what it leaves is no text.
    """
    command = _editor()
    with tempfile.TemporaryDirectory(prefix="openlora-") as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*command, str(path)], check=False)
        except OSError as error:
            raise Problem(f"The editor cannot be started: {command[0]}.", why=f"{error.strerror}.",
                          do="Set EDITOR to one that is installed.") from error  # fmt: skip
        if done.returncode != 0:
            raise Problem(f"{command[0]} ended with status {done.returncode}; nothing was taken over.")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Problem("What the editor left cannot be read as text.", why=f"{error}.") from error


def _editor() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        words = shlex.split(os.environ.get(name, ""))
        if words:
            return words
    found = next((word for word in ("nano", "vim", "vi") if shutil.which(word)), None)
    if found is None:
        raise Problem("There is no editor.", do="Set EDITOR to the command that starts yours.")
    return [found]
