"""Opens, fills, reads and rebuilds the index of runs."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from peewee import DatabaseError, SqliteDatabase

from engine import paths
from engine.event_log import EventReader
from engine.lessons.lesson import Lesson
from engine.messages import RunRow
from engine.reading import opened
from engine.run_dir import RunDir, all_runs
from engine.run_row import row_of
from engine.run_state import RunState, fold
from engine.store import tables
from engine.store.lessons import Lessons

_NEWBORN: Final = 60.0
"""Seconds in which a run that someone is just making may still write its first event."""
FILE: Final = "store.sqlite"
_SLICE: Final = 1 << 17
_DAMAGED: Final = (DatabaseError, sqlite3.DatabaseError)
"""Peewee wraps what `execute` raises, and not what `fetch` does."""
_NO_ROOM: Final = re.compile("disk is full|disk I/O error|unable to open database file")
"""What SQLite says of a full disk; of a quota or a limit it knows only that writing failed."""
_row: Final[msgspec.msgpack.Decoder[RunRow]] = msgspec.msgpack.Decoder(RunRow)
_state: Final[msgspec.msgpack.Decoder[RunState]] = msgspec.msgpack.Decoder(RunState)


class Store:
    """The index of one home.

    It holds nothing that the run directories do not hold too: a file that is damaged, or of
    another schema, is set aside and made anew.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.notes: list[str] = []
        """What a person should know of how the index was opened."""
        self._network = paths.on_network(root)
        if self._network:
            kind = paths.file_system(root)
            self.notes.append(f"{root} is on a network file system ({kind}): the index does without WAL.")
        self._database = self._open()
        self.lessons = Lessons(root)
        # A disk without room must not keep the engine from starting: the rows of last time stay then.
        with contextlib.suppress(OSError), _refusing(), self._database.atomic():
            self.lessons.read_kept()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def stale(self) -> Iterator[str]:
        """Runs whose events the index does not hold to the end; rows of runs that are gone are dropped."""
        on_disk = all_runs(self._root)
        indexed = {
            str(found.run): found.offset for found in tables.Run.select(tables.Run.run, tables.Run.offset)
        }
        for run in indexed.keys() - set(on_disk):
            self.forget(run)
        for run in reversed(on_disk):
            if run not in indexed or indexed[run] != _size(RunDir(self._root, run).events):
                yield run

    def index(self, run: str) -> RunState:
        """Bring a run up to date with its events, from where the index left off."""
        last = deque(self.indexing(run), maxlen=1)
        return last[0] if last else self.known(run)

    def indexing(self, run: str) -> Iterator[RunState]:
        """The same in slices of a few milliseconds; the state so far after each, saved after the last."""
        state = self.known(run)
        reader = EventReader(RunDir(self._root, run).events, state.offset)
        before = state.events
        while lines := reader.read(_SLICE):
            fold(lines, state)
            state.run = run  # a copied directory tells the number of its original
            state.offset = reader.offset
            yield state
        if self._damaged(state) or state.events != before:
            with contextlib.suppress(OSError):  # what the disk has no room for is indexed another time
                self.save(state)
            yield state

    def _damaged(self, state: RunState) -> bool:
        """True for a run that has told nothing of itself, and says so; one that just begins is let be."""
        directory = RunDir(self._root, state.run)
        changed = _changed(directory.path)
        if state.created or directory.live or time.time() - changed < _NEWBORN:
            return False
        state.status, state.name, state.updated = "failed", "damaged", changed
        state.reason = f"{directory.events.name} {_fault(directory.events)}: nothing is known of the run"
        return True

    def known(self, run: str) -> RunState:
        """The state of a run as far as the index holds it."""
        state = self.state(run) or RunState(run=run)
        size = _size(RunDir(self._root, run).events) or 0
        return state if state.offset <= size else RunState(run=run)  # the file was put back to an earlier one

    def behind(self, run: str) -> int:
        """Bytes of the run's events that the index does not hold."""
        found = tables.Run.get_or_none(tables.Run.run == run)
        size, offset = _size(RunDir(self._root, run).events) or 0, found.offset if found else 0
        return size - offset if offset <= size else size

    def save(self, state: RunState, row: RunRow | None = None) -> None:
        """Write what is known of a run, all or nothing.

        Raises:
            OSError: the disk has no room; nothing is lost, since the run's directory holds it too.
        """
        row = row or row_of(state)
        with _refusing(), self._database.atomic():
            tables.Run.replace(
                run=state.run,
                number=int(state.run),
                name=state.name,
                status=state.status,
                model=state.model,
                created=state.created,
                updated=state.updated,
                loss=row.loss,
                predicted_memory=row.predicted_memory,
                peak_memory=row.peak_memory,
                offset=state.offset,
                row=msgspec.msgpack.encode(row),
            ).execute()
            tables.State.replace(run=state.run, state=msgspec.msgpack.encode(state)).execute()
            self._save_findings(state)
            self._save_artifacts(state)
            if state.parent:
                tables.Lineage.replace(child=state.run, parent=state.parent).execute()

    def state(self, run: str) -> RunState | None:
        """The RunState as last saved, or None."""
        found = tables.State.get_or_none(tables.State.run == run)
        if found is None:
            return None
        try:
            return _state.decode(bytes(found.state))
        except msgspec.DecodeError:
            return None

    def rows(self, limit: int) -> list[RunRow]:
        """The newest runs, newest first."""
        query = tables.Run.select(tables.Run.row).order_by(tables.Run.number.desc()).limit(limit)
        return [_row.decode(bytes(found.row)) for found in query]

    def row(self, run: str) -> RunRow | None:
        """One run's row, or None."""
        found = tables.Run.get_or_none(tables.Run.run == run)
        return None if found is None else _row.decode(bytes(found.row))

    def count(self) -> int:
        """How many runs there are."""
        return int(tables.Run.select().count())

    def forget(self, run: str) -> None:
        """Drop a run from the index; its lesson, if it left one, is indexed; raises OSError like `save`."""
        with _refusing(), self._database.atomic():
            tables.Run.delete().where(tables.Run.run == run).execute()
            tables.Lineage.delete().where(tables.Lineage.child == run).execute()
            self.lessons.outlive(run)

    def learn(self, run: str) -> None:
        """Write down what a run taught; raises OSError like `save`."""
        state = self.state(run)
        if state is not None:
            with _refusing(), self._database.atomic():
                self.lessons.learn(state)

    def take_in(self, lessons: list[Lesson]) -> None:
        """Keep what runs of other homes taught; raises OSError like `save`."""
        with _refusing(), self._database.atomic():
            self.lessons.take_in(lessons)

    def forget_lessons(self, runs: list[str]) -> None:
        """Drop what deleted or imported runs taught; raises OSError like `save`."""
        with _refusing(), self._database.atomic():
            self.lessons.forget(runs)

    def _save_findings(self, state: RunState) -> None:
        tables.Finding.delete().where(tables.Finding.run == state.run).execute()
        for finding in state.findings:
            tables.Finding.create(
                run=state.run,
                category=finding.category,
                severity=finding.severity,
                title=finding.title,
                step=finding.step,
                body=msgspec.json.encode(finding),
            )

    def _save_artifacts(self, state: RunState) -> None:
        tables.Artifact.delete().where(tables.Artifact.run == state.run).execute()
        if state.checkpoint is not None:
            saved = state.checkpoint
            tables.Artifact.create(
                run=state.run, kind="checkpoint", path=saved.path, step=saved.step, bytes=saved.bytes
            )
        if state.outcome is not None and state.outcome.adapter:
            tables.Artifact.create(run=state.run, kind="adapter", path=state.outcome.adapter, step=state.step)

    def _open(self) -> SqliteDatabase:
        path = self._root / FILE
        try:
            return self._opened(path)
        except _DAMAGED as error:
            if _has_no_room(error):
                self.notes.append(f"The disk has no room for the index ({error}): it is kept in memory.")
                return self._in_memory()
            self.notes.append(f"The index was damaged ({error}) and is rebuilt from the run directories.")
            path.replace(path.with_suffix(".damaged"))
            _remove_side_files(path)
            return self._opened(path)

    def _in_memory(self) -> SqliteDatabase:
        """An index that this engine fills from the run directories, and the next one again."""
        database = SqliteDatabase(":memory:", pragmas={"foreign_keys": 1})
        database.connect()
        tables.database.initialize(database)
        database.create_tables(tables.TABLES)
        return database

    def _opened(self, path: Path) -> SqliteDatabase:
        # One process uses the file, so WAL's multi-writer bug (SQLite before 3.51.3) cannot meet us.
        journal = "delete" if self._network else "wal"
        pragmas = {"journal_mode": journal, "synchronous": "normal", "foreign_keys": 1, "busy_timeout": 5000}
        database = SqliteDatabase(str(path), pragmas=pragmas)
        try:
            database.connect()
            self._use(database, path)
        except _DAMAGED:
            database.close()
            raise
        return database

    def _use(self, database: SqliteDatabase, path: Path) -> None:
        if database.execute_sql("pragma quick_check").fetchone()[0] != "ok":
            raise DatabaseError("quick_check failed")
        schema = database.pragma("user_version")
        tables.database.initialize(database)
        if schema not in (0, tables.SCHEMA):
            database.close()
            path.unlink()
            _remove_side_files(path)
            database.connect()
            self.notes.append("The index was of another version and is rebuilt from the run directories.")
        database.create_tables(tables.TABLES)
        database.pragma("user_version", tables.SCHEMA)
        path.chmod(0o600)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        if not _has_no_room(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def _has_no_room(error: BaseException | None) -> bool:
    """True where SQLite met a full disk; what peewee raises last may be that there was nothing to undo."""
    while error is not None:
        if _NO_ROOM.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _changed(folder: Path) -> float:
    """When an entry of the folder came or went, in seconds since 1970; now, where that is not known."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _fault(events: Path) -> str:
    try:
        opened(events).close()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({(error.strerror or 'unknown error').lower()})"
    return "holds no first event"


def _remove_side_files(path: Path) -> None:
    for side in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + side).unlink(missing_ok=True)
