"""What a container, a batch system or systemd allows this process: control groups, versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_UNLIMITED: Final = 1 << 60
"""Version 1 says about 2**63 for no limit."""


def memory(root: Path = Path("/")) -> tuple[int, int] | None:
    """The tightest memory limit and what is used of it, in bytes; None where none is set."""
    found = []
    for folder in _folders(root, "memory"):
        for limit_file, used_file in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit = _number(folder / limit_file)
            if limit is not None and limit < _UNLIMITED:
                found.append((int(limit), int(_number(folder / used_file) or 0)))
    return min(found, default=None, key=lambda pair: pair[0] - pair[1])


def oom_kills(root: Path = Path("/")) -> int | None:
    """Processes of these groups that the kernel has killed for their memory; None where untold."""
    counts = [
        int(words[1])
        for folder in _folders(root, "memory")
        for file in ("memory.events", "memory.oom_control")
        for words in map(str.split, _text(folder / file).splitlines())
        if len(words) == 2 and words[0] == "oom_kill" and words[1].isdigit()
    ]
    return sum(counts) if counts else None


def cores(root: Path = Path("/")) -> float | None:
    """The smallest share of processors, such as 2.5; None where none is set."""
    found = []
    for folder in _folders(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(int(quota) / int(period))
    return min(found, default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The group of this process and those above it, as far as they can be seen from in here."""
    top = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if names and controller not in names.split(","):
            continue
        base = top / controller if names else top
        group = base / path.strip("/")
        while group != base and group.is_relative_to(base):
            yield group
            group = group.parent
        yield base


def _number(path: Path) -> float | None:
    text = _text(path)
    return float(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
