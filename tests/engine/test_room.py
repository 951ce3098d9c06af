"""Writing where there is no room: nothing half, nothing out of order, and what was said before stays said."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import atomic, room
from engine import events as ev
from engine.event_log import EventReader, EventWriter, append
from tests.engine.small_disk import SmallDisk


def texts(path: Path) -> list[str]:
    events = map(ev.decode, EventReader(path))
    return [event.text for event in events if isinstance(event, ev.Log)]


def beat() -> ev.Heartbeat:
    return ev.Heartbeat(cpu=0.0, rss=0)


def test_a_full_disk_has_room_for_the_words_that_say_so(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.event_log._RETRY", 0.0)
    path = small_disk.folder / "events.jsonl"
    writer = EventWriter(path)
    assert not writer.short()
    small_disk.fill()
    said = [str(number) for number in range(900)]
    for word in said:
        writer.write(ev.Log(text=word))
    assert writer.refused is None
    assert writer.short(), "the blocks kept for such words are nearly used up"
    assert texts(path) == said
    before = path.stat().st_size
    for _ in range(1000):
        writer.write(beat())
    assert path.stat().st_size == before, "heartbeats do not use up what is left"
    for number in range(3000):
        writer.write(ev.Log(text=f"more {number}"))
    assert writer.refused is not None
    small_disk.free()
    assert not writer.short()
    writer.close()
    assert texts(path) == said + [f"more {number}" for number in range(3000)]


def test_the_blocks_that_were_not_needed_are_given_back(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "events.jsonl"
    writer = EventWriter(path)
    assert path.stat().st_blocks * 512 >= 1 << 16
    assert path.stat().st_size == 0
    writer.write(ev.Log(text="a"))
    writer.close()
    assert path.stat().st_blocks * 512 <= 4096


def test_events_are_appended_whole_or_not_at_all(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "events.jsonl"
    append(path, [ev.Log(text="kept")])
    before = path.read_bytes()
    small_disk.fill()
    with pytest.raises(OSError, match="No space") as refused:
        append(path, [ev.Log(text="x" * 100_000), ev.Log(text="y")])
    assert refused.value.filename == str(path)
    assert path.read_bytes() == before


def test_a_file_that_does_not_fit_leaves_the_old_one(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "recipe.yaml"
    atomic.write(path, b"old")
    small_disk.fill()
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert sorted(os.listdir(small_disk.folder)) == ["balloon", "recipe.yaml"]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (OSError(errno.EFBIG, "x"), True),
        (OSError(errno.EACCES, "x"), False),
        (RuntimeError("Error while serializing: I/O error: Disk quota exceeded (os error 122)"), True),
        (RuntimeError("os error 2"), False),
        (RuntimeError("unexpected pos 576 vs 534"), False),
    ],
    ids=str,
)
def test_what_comes_of_a_full_disk_is_told_from_what_does_not(error: Exception, full: bool) -> None:
    assert (room.refusal(error) is not None) is full
    outer = RuntimeError("while writing")
    outer.__cause__ = error
    assert (room.refusal(outer) is not None) is full


def test_asking_for_room_leaves_nothing_behind(small_disk: SmallDisk) -> None:
    need = room.Need(what="x", bytes=1 << 20, folder=small_disk.folder / "not" / "yet")
    assert room.granted(need)
    small_disk.fill()
    assert not room.granted(need)
    small_disk.free()
    assert os.listdir(small_disk.folder) == []


def test_a_worker_that_prints_on_a_full_disk_goes_on(small_disk: SmallDisk) -> None:
    code = """
import sys, traceback
from engine.worker.console import outlive_full_disk
outlive_full_disk()
print("x" * 100_000)
try:
    raise ValueError("y" * 100_000)
except ValueError:
    traceback.print_exc()
    sys.stderr.flush()
sys.stdout.flush()
"""
    small_disk.fill()
    with (small_disk.folder / "console.log").open("wb") as console:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=console, stderr=console, timeout=60, check=False
        )
    assert done.returncode == 0
