"""Where a person's own settings lie, and where the app keeps what it remembers."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def config() -> Path:
    """`openlora` in the config folder: themes and keys of one's own; read, never written."""
    if sys.platform == "darwin":
        import platformdirs

        return platformdirs.user_config_path("openlora")
    # The same as platformdirs says, without its import before the first paint.
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "openlora"


def state() -> Path:
    """`OPENLORA_HOME`, else `openlora` in the state folder."""
    home = os.environ.get("OPENLORA_HOME")
    if home:
        return Path(home).expanduser()
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "openlora"
