"""Would logging out end a run? systemd's logind may kill whatever a session has started."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.doctor.check import Check, good, note, warning

_CONFS: Final = ("usr/lib/systemd", "run/systemd", "etc/systemd")
"""Where logind.conf and logind.conf.d lie; the later one wins."""
_DO: Final = (
    "loginctl enable-linger {user}, and start by: systemd-run --user --scope tmux (or openlora-tui). "
    "Or an administrator sets KillUserProcesses=no in /etc/systemd/logind.conf."
)


def look() -> Iterator[Check]:
    """What logind would do, and whether there is somebody to come back to."""
    yield logout_check(Path("/"), _user(), asked=_asked())
    yield _place()


def logout_check(root: Path, user: str, asked: bool | None = None) -> Check:
    """Does a logout end what this session has started?

    Args:
        root: of the file system whose settings are read.
        asked: what logind itself says of KillUserProcesses; None where it cannot be asked.
    """
    if not (root / "run/systemd/system").is_dir():
        return good("logout", "no systemd here: runs go on when you log out")
    kills = asked if asked is not None else kill_user_processes(root)
    lingers = (root / "var/lib/systemd/linger" / user).exists()
    if kills is None:
        do = f"Should a run end at logout: {_DO.format(user=user)}"
        return note("logout", "logind does not say whether it ends what a session has started", do)
    if not kills or user in _excluded(root):
        return good("logout", "runs go on when you log out" + (" (lingering is on)" if lingers else ""))
    if lingers and "/user@" in _text(root / "proc/self/cgroup"):
        return good("logout", "runs go on: this shell belongs to the user's manager, and lingering is on")
    return warning("logout", "logind ends every process at logout (KillUserProcesses=yes): runs and tmux too",
                   _DO.format(user=user))  # fmt: skip


def kill_user_processes(root: Path) -> bool | None:
    """What logind's files say; a line that is commented out states the default it was built with."""
    said = _setting(root, "KillUserProcesses") or _setting(root, "KillUserProcesses", commented=True)
    return None if said is None else said.lower() in ("yes", "true", "on", "1")


def _excluded(root: Path) -> list[str]:
    said = _setting(root, "KillExcludeUsers")
    return ["root"] if said is None else said.split()


def _setting(root: Path, name: str, *, commented: bool = False) -> str | None:
    found = None
    for folder in _CONFS:
        base = root / folder
        for path in (base / "logind.conf", *sorted(base.glob("logind.conf.d/*.conf"))):
            mark = "#" if commented else ""
            for line in re.findall(rf"^\s*{mark}\s*{name}\s*=[ \t]*(.*)$", _text(path), re.MULTILINE):
                found = line.strip()
    return found


def _asked() -> bool | None:
    """Logind's own word by the bus, None where it gives none within a moment."""
    command = ["busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
               "org.freedesktop.login1.Manager", "KillUserProcesses"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False,
                              stdin=subprocess.DEVNULL)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return {"b true": True, "b false": False}.get(done.stdout.strip())


def _place() -> Check:
    if os.environ.get("TMUX"):
        return good("session", "in tmux: the app stays too when the connection breaks")
    if os.environ.get("STY"):
        return good("session", "in screen: the app stays too when the connection breaks")
    if os.environ.get("SSH_CONNECTION"):
        do = "Runs go on without it; start tmux first, and the app stays too."
        return note("session", "over SSH without tmux: the app closes with the connection", do)
    return good("session", "a local one")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
