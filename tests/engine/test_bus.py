"""The bus: private, bounded, honest about what it dropped and about an engine that has gone."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import util
from pathlib import Path

import pytest

from engine import bus, paths
from engine.problem import Problem
from engine.server.address import Address

CHILD = """
import sys
from pathlib import Path
from engine import bus, paths
from engine.server.address import Address
folder = Path(sys.argv[2])
paths.socket_folder.__globals__["Path"] = lambda _: folder
root, boxes = Path(sys.argv[1]), bus.Mailboxes()
boxes.put("front", [b"from " + root.name.encode()])
Address(root, boxes)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this test's own in the place of /tmp, short enough for a socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))
    monkeypatch.setattr(paths, "Path", lambda _: folder)
    yield folder / f"openlora-{os.getuid()}"
    for finalizer in list(util._finalizer_registry.values()):  # listeners remove their socket at exit
        if any(str(word).startswith(str(folder)) for word in finalizer._args):
            with contextlib.suppress(FileNotFoundError):
                finalizer()
    shutil.rmtree(folder)


@pytest.fixture
def served(home: Path) -> Iterator[bus.Mailboxes]:
    boxes = bus.Mailboxes()
    address = Address(home, boxes)
    yield boxes
    address.withdraw()


class _Engine:
    """An engine's bus in a process of its own."""

    def __init__(self, root: Path, sockets: Path) -> None:
        root.mkdir(exist_ok=True)
        words = [sys.executable, "-c", CHILD, str(root), str(sockets.parent)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_what_is_put_in_a_box_is_taken_once_in_order(home: Path, served: bus.Mailboxes) -> None:
    front = bus.connect(home)
    assert front.exchange("front", [b"one", b"two"]) == []
    assert served.take(bus.ENGINE) == [b"one", b"two"]
    served.put("front", [b"a", b"b", b"c"])
    assert front.take("front", 2) == [b"a", b"b"]
    assert front.exchange("front", []) == [b"c"]
    assert front.take("front") == []
    assert front.take("another") == []


def test_who_polls_is_seen(home: Path, served: bus.Mailboxes) -> None:
    assert served.seen("front") is None
    bus.connect(home).take("front")
    assert served.seen("front") is not None
    served.close("front")
    assert served.seen("front") is None


def test_a_front_end_can_do_nothing_but_take_and_exchange(home: Path, served: bus.Mailboxes) -> None:
    front = bus.connect(home)
    for name in ("put", "close", "overflowed"):
        assert not hasattr(front, name)


@pytest.mark.parametrize("items", [[b"x"] * 5000, [b"x" * (33 << 20)] * 2])
def test_a_full_box_drops_everything_and_says_so_once(items: list[bytes]) -> None:
    boxes = bus.Mailboxes()
    boxes.put("front", [b"kept until now"])
    boxes.put("other", [b"y"])
    for item in items:
        boxes.put("front", [item])
        if boxes.overflowed("front"):
            break
    else:
        pytest.fail("it never overflowed")
    assert not boxes.overflowed("front")
    assert boxes.take("front") == []
    assert boxes.take("other") == [b"y"]
    boxes.put("front", [b"after"])
    assert boxes.take("front") == [b"after"]


def test_socket_key_and_folder_are_private(home: Path, sockets: Path, served: bus.Mailboxes) -> None:
    assert sockets.stat().st_mode & 0o777 == 0o700
    keys = list(sockets.glob("*.key"))
    assert len(keys) == 1
    assert keys[0].stat().st_mode & 0o077 == 0
    assert len(keys[0].read_bytes()) == 32
    assert len(os.fsencode(paths.engine_link(home).resolve())) <= 107


@pytest.mark.parametrize("mode", [0o770, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused(sockets: Path, mode: int) -> None:
    sockets.mkdir()
    sockets.chmod(mode)
    with pytest.raises(Problem, match="not private") as caught:
        paths.socket_folder()
    assert str(sockets) in caught.value.where


def test_a_folder_of_someone_else_or_a_link_to_one_is_refused(
    sockets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    sockets.symlink_to(tmp_path / "theirs")
    with pytest.raises(Problem, match="not private"):
        paths.socket_folder()
    sockets.unlink()
    sockets.write_text("")
    with pytest.raises(Problem, match="not private"):
        paths.socket_folder()
    sockets.unlink()
    paths.socket_folder()
    other = os.getuid() + 1
    monkeypatch.setattr(paths.os, "getuid", lambda: other)
    sockets.rename(sockets.with_name(f"openlora-{other}"))
    with pytest.raises(Problem, match="not private"):
        paths.socket_folder()


def test_without_an_engine_connecting_raises_what_lost_names(home: Path) -> None:
    with pytest.raises(bus.LOST):
        bus.connect(home)
    assert bus.engine_pid(home) is None


def test_two_homes_have_two_engines_that_do_not_mix(tmp_path: Path, sockets: Path) -> None:
    paths.socket_folder()
    one, two = tmp_path / "one", tmp_path / "two"
    engines = [_Engine(one, sockets), _Engine(two, sockets)]
    assert [bus.engine_pid(root) for root in (one, two)] == [engine.process.pid for engine in engines]
    assert bus.connect(one).take("front") == [b"from one"]
    assert bus.connect(two).take("front") == [b"from two"]
    for engine in engines:
        engine.kill()


def test_a_dead_engine_raises_what_lost_names_and_the_next_one_is_found(
    tmp_path: Path, sockets: Path
) -> None:
    paths.socket_folder()
    root = tmp_path / "one"
    first = _Engine(root, sockets)
    front = bus.connect(root)
    assert front.take("front") == [b"from one"]
    first.kill()
    with pytest.raises(bus.LOST):
        front.take("front")
    with pytest.raises(bus.LOST):
        bus.connect(root)
    second = _Engine(root, sockets)
    assert bus.connect(root).take("front") == [b"from one"]
    second.kill()


def test_a_wrong_key_is_refused(home: Path, sockets: Path, served: bus.Mailboxes) -> None:
    key = next(sockets.glob("*.key"))
    key.write_bytes(b"x" * 32)
    with pytest.raises(bus.LOST):
        bus.connect(home)


def test_an_engine_that_leaves_takes_its_own_address_away_and_no_other(home: Path, sockets: Path) -> None:
    address = Address(home, bus.Mailboxes())
    link = paths.engine_link(home)
    link.unlink()
    link.symlink_to("engine-1.sock")
    address.withdraw()
    assert link.readlink() == Path("engine-1.sock")
    assert not list(sockets.glob("*.key"))
