"""The memory of a home as one file: written whole, and checked before anything of it is taken in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from engine import atomic
from engine.lessons.dismissals import Standing
from engine.lessons.lesson import Lesson
from engine.problem import Problem
from engine.reading import UNDECODABLE, content
from engine.run_dir import is_run
from engine.text import one_line

VERSION: Final = 1
_KIND: Final = "openlora memory"
_LARGEST: Final = 512 << 20
_DO: Final = "`openlora runs memory export FILE` writes such a file."


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one home remembers."""

    kind: str = _KIND
    version: int = VERSION
    made: float = 0.0
    origin: str = ""
    """What the home is called where it is taken in."""
    digest: str = ""
    """Of what follows, as it stands in the file."""
    lessons: msgspec.Raw = msgspec.Raw(b"[]")
    dismissals: msgspec.Raw = msgspec.Raw(b"[]")


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A memory file that was checked."""

    origin: str
    made: float
    lessons: list[Lesson]
    dismissals: list[Standing]


def export(
    path: Path, lessons: Sequence[Lesson], dismissals: Sequence[Standing], *, origin: str, made: float
) -> None:
    """Write the memory; raises OSError, and leaves a file that was there as it was."""
    said, put_aside = msgspec.json.encode(lessons), msgspec.json.encode(dismissals)
    memory = Memory(
        made=made,
        origin=origin,
        digest=_digest(said, put_aside),
        lessons=msgspec.Raw(said),
        dismissals=msgspec.Raw(put_aside),
    )
    atomic.write(path, msgspec.json.encode(memory) + b"\n")


def opened(path: Path) -> Opened:
    """The memory in a file.

    Raises:
        Problem: it cannot be read, is no memory, is of a newer version, or was changed since it was written.
    """
    try:
        data = content(path, _LARGEST)
    except OSError as error:
        why = f"{error.strerror or 'it cannot be read'}."
        raise Problem("The memory cannot be read.", where=str(path), why=why, do=_DO) from error
    try:
        memory = msgspec.json.decode(data, type=Memory)
    except UNDECODABLE:
        raise Problem("This is no memory of OpenLoRA.", where=str(path), do=_DO) from None
    if memory.kind != _KIND:
        raise Problem("This is no memory of OpenLoRA.", where=str(path), do=_DO)
    if memory.version > VERSION:
        why = f"It is of version {memory.version}, and this OpenLoRA knows version {VERSION}."
        raise Problem("The memory is too new.", where=str(path), why=why, do="Upgrade OpenLoRA.")
    if memory.digest != _digest(bytes(memory.lessons), bytes(memory.dismissals)):
        why = "Its contents do not match its checksum: it was changed, or is not whole."
        raise Problem("The memory is damaged.", where=str(path), why=why, do="Export it anew.")
    try:
        lessons = msgspec.json.decode(memory.lessons, type=list[Lesson])
        dismissals = msgspec.json.decode(memory.dismissals, type=list[Standing])
    except UNDECODABLE as error:
        raise Problem(
            "The memory is damaged.", where=str(path), why=f"{error}.", do="Export it anew."
        ) from None
    return Opened(origin=memory.origin, made=memory.made, lessons=lessons, dismissals=dismissals)


def renamed(lessons: Iterable[Lesson], origin: str, known: Iterable[Lesson]) -> list[Lesson]:
    """Lessons as they are kept in another home: `laptop:12`; those that it has already are left out.

    Raises:
        Problem: a run of yet another home has one of these names there.
    """
    known = list(known)
    there = {_same(lesson) for lesson in known}
    names = {lesson.run: _made(lesson) for lesson in known}
    taken = []
    for lesson in lessons:
        if _same(lesson) in there:
            continue
        named = f"{origin}:{lesson.run}" if is_run(lesson.run) else lesson.run
        if names.setdefault(named, _made(lesson)) != _made(lesson):
            raise _taken(named, origin if is_run(lesson.run) else "")
        came = lesson.imported or origin
        parent = f"{origin}:{lesson.parent}" if lesson.parent and is_run(lesson.parent) else lesson.parent
        attempts = [
            msgspec.structs.replace(a, after=f"{origin}:{a.after}" if is_run(a.after) else a.after)
            for a in lesson.attempts
        ]
        taken.append(
            msgspec.structs.replace(lesson, run=named, imported=came, parent=parent, attempts=attempts)
        )
    return taken


def origin_in(word: str) -> str:
    """A name for a home that can stand before a run's number; raises Problem where the word is none."""
    name = one_line(word, 40).strip().replace(" ", "-")
    if not name or ":" in name or "/" in name:
        raise Problem(
            f"{name or 'Nothing'!r} is no name for where a memory comes from.", do="Such as --as laptop."
        )
    return name


def _same(lesson: Lesson) -> tuple[float, str, str, str]:
    """By what a run is known in any home: when it was made, as what, and on what."""
    return lesson.created, lesson.name, lesson.model.name, lesson.run.rpartition(":")[2]


def _taken(name: str, origin: str) -> Problem:
    """That a name is another run's already; `origin` is empty where `--as` does not change it."""
    home = name.partition(":")[0]
    do = f"Forget it first: `openlora runs forget from:{home}`."
    if origin:
        do = f"Take it in under another name, such as `--as {origin}-2`."
    why = f"Its {name} is another run than the one in the file."
    return Problem(f"Another home is remembered as {home!r} already.", why=why, do=do)


def _made(lesson: Lesson) -> tuple[float | str, str]:
    """By what a run stays known where it is given another name: when it was made, and on what."""
    return lesson.created or lesson.name, lesson.model.name


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
