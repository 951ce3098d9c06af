"""What the app remembers of how it was used last; a person's own config files are never written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from engine.reading import UNDECODABLE, content
from openlora_tui import folders

_LARGEST: Final = 1 << 20


def path() -> Path:
    """The file of what is remembered."""
    return folders.state() / "ui.json"


def read() -> dict[str, str]:
    """All that is remembered; nothing where the file is absent or damaged."""
    try:
        found = json.loads(content(path(), _LARGEST))
    except (OSError, *UNDECODABLE):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def remember(**values: str) -> None:
    """Keep some values beside the others; where that is impossible the next start forgets them."""
    target = path()
    known = read()
    if known | values == known:
        return
    spare = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        spare.write_text(json.dumps(known | values, indent=1, sort_keys=True) + "\n", "utf-8")
        spare.replace(target)
    except OSError:
        spare.unlink(missing_ok=True)
