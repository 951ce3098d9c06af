"""What runs taught, in the index: learnt a run at a time, told a page at a time."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Final

import msgspec
from peewee import ModelSelect

from engine.lessons import kept
from engine.lessons.learn import lesson_of
from engine.lessons.lesson import Lesson
from engine.run_dir import RunDir
from engine.run_state import ENDED, RunState
from engine.store import tables

_lesson: Final[msgspec.json.Decoder[Lesson]] = msgspec.json.Decoder(Lesson)


class Lessons:
    """The lessons of one home, those of deleted runs and of other homes included."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._deleted = 0
        """Bytes of the deleted runs' file that were read."""

    def read_kept(self) -> None:
        """Take up what lies in files because its runs are not here."""
        tables.Lesson.delete().where(tables.Lesson.offset.is_null()).execute()
        self._deleted = 0
        self._read_deleted()
        for lesson in kept.imported(self._root):
            self._save(lesson)

    def outlive(self, run: str) -> None:
        """A run has gone: what its deletion has kept of it takes the place of its own."""
        own = (tables.Lesson.run == run) & tables.Lesson.offset.is_null(False)
        tables.Lesson.delete().where(own).execute()
        self._read_deleted()

    def _read_deleted(self) -> None:
        lessons, end = kept.deleted(self._root, self._deleted)
        for lesson in lessons:
            self._save(lesson)
        self._deleted = end  # where the disk had no room, they are read again

    def unlearned(self) -> list[str]:
        """Runs that have ended since their lesson was written, or that have none, the newest first."""
        run, lesson = tables.Run, tables.Lesson
        behind = lesson.run.is_null() | lesson.offset.is_null() | (lesson.offset != run.offset)
        query = run.select(run.run).left_outer_join(lesson, on=(run.run == lesson.run))
        found = query.where(run.status.in_(ENDED) & behind).order_by(run.number.desc())
        return [row.run for row in found]

    def learn(self, state: RunState) -> None:
        """Write down what a run taught."""
        self._save(lesson_of(state, RunDir(self._root, state.run)), state.offset)

    def page(self, skip: int, limit: int) -> list[Lesson]:
        """Some lessons, the newest first."""
        query = self._all().order_by(tables.Lesson.created.desc(), tables.Lesson.run.desc())
        return [_lesson.decode(row.body) for row in query.offset(skip).limit(limit)]

    def count(self) -> int:
        """How many there are."""
        return int(self._all().count())

    def take_in(self, lessons: Iterable[Lesson]) -> None:
        """Keep what runs of other homes taught; raises OSError."""
        lessons = [lesson for lesson in lessons if lesson.imported and not lesson.forgotten]
        kept.take_in(self._root, lessons)
        for lesson in lessons:
            self._save(lesson)

    def forget(self, runs: Container[str]) -> None:
        """Drop what deleted or imported runs taught; raises OSError."""
        kept.forget(self._root, runs)
        self.read_kept()

    def _all(self) -> ModelSelect[tables.Lesson]:
        return tables.Lesson.select(tables.Lesson.body).where(tables.Lesson.forgotten == 0)

    def _save(self, lesson: Lesson, offset: int | None = None) -> None:
        tables.Lesson.replace(
            run=lesson.run,
            offset=offset,
            created=lesson.created,
            forgotten=lesson.forgotten,
            body=msgspec.json.encode(lesson),
        ).execute()
