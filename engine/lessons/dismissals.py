"""Findings that people put aside: for one run in its events, for a dataset, a model or always in the home."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.findings import Finding
from engine.lessons.alike import short_name
from engine.reading import UNDECODABLE, content
from engine.remarks import Dismissed, Remarks, Scope, alike, name_of, same

_LARGEST: Final = 8 << 20
_MOST: Final = 5_000
_NO_FILE: Final = frozenset({errno.EFBIG, errno.EINVAL})
"""What `content` raises for what is too large or no file; after other errors the list may be whole."""
_LONGEST: Final = 1_000
"""Bytes of one from another home: 5,000 of them stay well under the limit of the file."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A dismissal that reaches further than a run."""

    found: str
    """`name_of` the finding."""
    title: str = ""
    scope: Scope
    subject: str = ""
    """Which dataset or model; empty for `always`."""
    reason: str = ""
    t: float = 0.0
    imported: bool = False
    """True for one of another home, which gives way to those of this one."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding was made about; what is empty is not known."""

    files: Sequence[str] = ()
    """Absolute paths of the data."""
    model: str = ""
    remarks: Remarks | None = None
    """Of the run, where it is about one."""

    def subject(self, scope: Scope) -> str | None:
        """What a dismissal of that scope is kept under; None where that is not known here."""
        match scope:
            case "dataset":
                return key_of(self.files) if self.files else None
            case "model":
                return short_name(self.model) or None
            case "always":
                return ""
            case _:
                return None


def is_dismissed(finding: Finding, about: About, standing: Iterable[Standing]) -> Dismissed | None:
    """The dismissal that covers a finding, None where there is none.

    What would stop a run is put aside for that run or those data alone: it would stop others unseen.
    """
    for dismissed in about.remarks.dismissed if about.remarks is not None else ():
        if _same(finding, dismissed.found, dismissed.title):
            return dismissed
    for each in standing:
        if finding.severity == "blocker" and each.scope != "dataset":
            continue
        if each.subject == about.subject(each.scope) and _same(finding, each.found, each.title):
            return Dismissed(
                found=each.found, title=each.title, scope=each.scope, reason=each.reason, t=each.t
            )
    return None


def standing_in(root: Path) -> list[Standing]:
    """The dismissals of a home that reach further than a run, the newest first."""
    try:
        return _read(root)
    except (OSError, *UNDECODABLE):
        return []


def put(root: Path, dismissed: Dismissed, about: About) -> bool:
    """Keep a dismissal that reaches further than a run, or take it back where it is `undone`.

    Returns:
        False where it is not known what it reaches to, or it is of one run: nothing is kept then.

    Raises:
        OSError: it cannot be written down.
    """
    subject = about.subject(dismissed.scope)
    if subject is None:
        return False
    new = Standing(
        found=dismissed.found,
        title=dismissed.title,
        scope=dismissed.scope,
        subject=subject,
        reason=dismissed.reason,
        t=dismissed.t,
    )
    with _writing(root) as kept:
        kept[:] = [each for each in kept if not _covers(new, each)]
        if not dismissed.undone:
            kept.append(new)
    return True


def take_in(root: Path, standing: Iterable[Standing]) -> None:
    """Add the dismissals of another home to those that there are; raises OSError."""
    now = time.time()
    with _writing(root) as kept:
        for each in standing:
            new = msgspec.structs.replace(each, t=min(max(each.t, 0.0), now), imported=True)
            short = len(msgspec.json.encode(new)) <= _LONGEST
            if short and not any(_covers(known, each) for known in kept):
                kept.append(new)


def dismissal(finding: Finding, scope: Scope, reason: str = "", *, undone: bool = False) -> Dismissed:
    """The event that puts a finding aside, or takes that back."""
    return Dismissed(found=name_of(finding), title=finding.title, scope=scope, reason=reason, undone=undone)


def key_of(files: Iterable[str]) -> str:
    """Data by the absolute names of its files, shortened, so that the list tells nobody their names."""
    whole = "\0".join(sorted(str(Path(name).absolute()) for name in files))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]


@contextmanager
def _writing(root: Path) -> Iterator[list[Standing]]:
    """The dismissals to change; the engine and several front ends write them."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (root / "dismissals.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _to_change(root)
        yield kept
        newest = sorted(kept, key=lambda each: (not each.imported, each.t), reverse=True)[:_MOST]
        atomic.write(_path(root), msgspec.json.encode(newest) + b"\n")


def _to_change(root: Path) -> list[Standing]:
    try:
        return _read(root)
    except FileNotFoundError:
        return []
    except UNDECODABLE:
        pass
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
    # It may be whole and of a newer version, or a person may mend it.
    _path(root).replace(root / "dismissals.damaged")
    return []


def _read(root: Path) -> list[Standing]:
    found = msgspec.json.decode(content(_path(root), _LARGEST), type=list[Standing])
    return sorted(found, key=lambda each: each.t, reverse=True)


def _covers(one: Standing, other: Standing) -> bool:
    """True where both put the same aside."""
    places = [(each.scope, each.subject, each.found) for each in (one, other)]
    return places[0] == places[1] and same(one.found, one.title, other.title)


def _same(finding: Finding, found: str, title: str) -> bool:
    """By the check that made it; findings of no check are known by category and title, figures aside."""
    if name_of(finding) != found:
        return False
    return bool(finding.check) or not title or alike(finding.title, title)


def _path(root: Path) -> Path:
    return root / "dismissals.json"
