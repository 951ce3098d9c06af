"""The bus's calls are pickled, so nobody may reach the unpickler without the key."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import AuthenticationError, util
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import pytest

from engine import bus, paths
from engine import messages as m
from engine.server.address import Address


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self._marker), "w")


@pytest.fixture
def address(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The socket of a bus that holds one item for `front`."""
    folder = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))
    monkeypatch.setattr(paths, "Path", lambda _: folder)
    boxes = bus.Mailboxes()
    boxes.put("front", [b"still here"])
    place = Address(home, boxes).socket
    _settle()
    lasting = threading.active_count()
    yield place
    # Threads that still write down why they refused someone disturb tests that parse sources.
    _settle(lasting)
    for finalizer in list(util._finalizer_registry.values()):
        if any(str(word).startswith(str(folder)) for word in finalizer._args):
            with suppress(FileNotFoundError):
                finalizer()
    shutil.rmtree(folder)


def _settle(threads: int = 0) -> None:
    """Wait until no more than so many threads are left; without a number, until their count rests."""
    end = time.monotonic() + 20
    before = -1
    while time.monotonic() < end:
        now = threading.active_count()
        if now <= threads or (not threads and now == before):
            return
        before = now
        time.sleep(0.05)


def _dial(address: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(address))
    line.settimeout(10)
    return line


def _serves(home: Path) -> bool:
    return bus.connect(home).take("front") == [b"still here"]


def _frame(data: bytes) -> bytes:
    return struct.pack("!i", len(data)) + data


def test_without_the_key_nobody_gets_in(home: Path, address: Path) -> None:
    for key in (b"", b"x" * 32, os.urandom(32)):
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(str(address), authkey=key)
    assert _serves(home)


def test_a_pickle_in_the_place_of_a_handshake_is_never_opened(
    home: Path, address: Path, tmp_path: Path
) -> None:
    """Before, within and after the challenge; the trap itself works."""
    marker = tmp_path / "the trap has sprung"
    data = pickle.dumps(Trap(marker))
    for sent in (_frame(data), data, _frame(b"#CHALLENGE#" + data), _frame(b"#WELCOME#") + _frame(data)):
        with _dial(address) as line, suppress(OSError):
            line.sendall(sent * 2)
            while line.recv(4096):
                pass
    assert _serves(home)
    assert not marker.exists()
    pickle.loads(data).close()
    assert marker.exists()


def test_garbage_lengths_and_half_handshakes_keep_nobody_out(home: Path, address: Path) -> None:
    """Many lines that say nothing, one byte, a length of two gibibytes, or noise, all held open meanwhile."""
    lines = []
    for index in range(120):
        line = _dial(address)
        sent = [b"", b"\0", struct.pack("!i", 2**31 - 1), os.urandom(300), _frame(b"#CHALLENGE#" + b"a" * 40)]
        with suppress(OSError):
            line.sendall(sent[index % 5])
        lines.append(line)
    assert _serves(home)
    for line in lines:
        line.close()


def test_a_slow_handshake_keeps_nobody_waiting(home: Path, address: Path) -> None:
    """One byte, and then nothing: the others are served beside it."""
    with _dial(address) as line:
        line.sendall(b"\0")
        done = threading.Event()

        def work() -> None:
            if _serves(home):
                done.set()

        threading.Thread(target=work, daemon=True).start()
        assert done.wait(20)


def test_messages_are_read_into_known_types_alone(tmp_path: Path) -> None:
    """What the bus carries is bytes, which msgspec reads into the types of one list, or not at all."""
    marker = tmp_path / "the trap has sprung"
    for data in (pickle.dumps(Trap(marker)), b"", b"\xc1", os.urandom(64), b"\x81\xa4kind\xa6Nobody"):
        assert m.to_engine(data) is m.to_front(data) is m.to_worker(data) is None
    assert not marker.exists()
