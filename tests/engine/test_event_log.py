"""Events reach the file whole, whatever tears, fills up or writes beside them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events as ev
from engine.event_log import EventReader, EventWriter, cut_torn_line
from tests.engine import strategies as some


def _texts(path: Path) -> list[str]:
    events = [ev.decode(line) for line in path.read_bytes().splitlines()]
    return [event.text for event in events if isinstance(event, ev.Log)]


@pytest.mark.parametrize(
    "torn", [b"", b"x", b'{"event":"log","te', b"x" * (3 << 20), b"x" * (1 << 20), b"\0" * 4096]
)
@pytest.mark.parametrize("whole", [b"", b'{"event":"log","text":"kept","t":1.0}\n', b"\n" * 3])
def test_a_torn_last_line_is_cut_before_the_first_event(tmp_path: Path, whole: bytes, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(whole + torn)
    writer = EventWriter(path)
    writer.write(ev.Log(text="next"))
    writer.close()
    data = path.read_bytes()
    assert data.startswith(whole)
    assert data[len(whole) :].count(b"\n") == 1
    assert _texts(path)[-1] == "next"


def test_cutting_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    cut_torn_line(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b" ")), max_size=20), st.data())
def test_a_reader_takes_whole_lines_only_and_each_once(lines: list[bytes], data: st.DataObject) -> None:
    import tempfile

    whole = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    with tempfile.NamedTemporaryFile() as file:
        reader = EventReader(Path(file.name))
        taken: list[bytes] = []
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            file.write(whole[start:end])
            file.flush()
            while came := reader.read(data.draw(st.integers(1, 40))):
                taken += came
            assert whole.startswith(b"".join(line + b"\n" for line in taken))
        assert taken == lines
        assert reader.offset == len(whole)
        assert list(EventReader(Path(file.name), reader.offset)) == []


def test_a_reader_of_a_file_to_come_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.read() == []
    path.write_bytes(b"one\ntwo")
    assert reader.read() == [b"one"]
    path.write_bytes(b"one\ntwo\nthree\n")
    assert list(reader) == [b"two", b"three"]


def test_a_line_longer_than_the_limit_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"y" * 5000 + b"\nz\n")
    assert list(iter(EventReader(path).read, [])) == [[b"y" * 5000, b"z"]]
    reader = EventReader(path)
    assert reader.read(limit=10) + reader.read(limit=10) == [b"y" * 5000, b"z"]


def test_events_that_a_full_disk_refuses_go_out_later_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write(ev.Log(text="a"))
    honest = os.write

    room = [9]

    def full(file: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return honest(file, data[: room.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        writer.write(ev.Log(text="b"))
        writer.write(ev.Log(text="c"))
        assert writer.refused is not None
        assert writer.refused.errno == errno.ENOSPC
    assert _texts(tmp_path / "events.jsonl") == ["a"]
    writer.write(ev.Log(text="d"))
    assert writer.refused is None
    writer.close()
    assert _texts(tmp_path / "events.jsonl") == ["a", "b", "c", "d"]


def test_a_real_limit_on_the_file_does_not_end_the_writer(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
from engine import events as ev
from engine.event_log import EventWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
writer = EventWriter(Path(sys.argv[1]))
for number in range(20):
    writer.write(ev.Log(text=str(number)))
assert writer.refused is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close()
"""
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    assert _texts(path) == [str(number) for number in range(20)]


def test_threads_that_write_at_once_leave_whole_lines_each_in_its_own_order(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writers = [EventWriter(path), EventWriter(path)]
    texts = [[f"{name}-{number}-" + "x" * (number * 7) for number in range(100)] for name in "abcd"]

    def write(mine: list[str], writer: EventWriter) -> None:
        for text in mine:
            writer.write(ev.Log(text=text))

    threads = [threading.Thread(target=write, args=(mine, writers[i % 2])) for i, mine in enumerate(texts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()
    found = _texts(path)
    assert len(found) == 400
    assert [[text for text in found if text[0] == name] for name in "abcd"] == texts


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    EventWriter(tmp_path / "events.jsonl").close()
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o077 == 0


@given(some.HISTORY)
def test_what_was_written_is_what_is_read(history: list[ev.Event]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        writer = EventWriter(path)
        for event in history:
            writer.write(event)
        writer.close()
        assert [ev.decode(line) for line in EventReader(path)] == history
