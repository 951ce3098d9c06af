"""Another user of the machine can neither read what is kept, nor attach, nor plant anything in our way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from engine import bus, paths
from engine.problem import Problem
from engine.server.address import Address
from openlora_tui.cli.session import Session
from tests.security.driving import NOBODY, as_nobody, recipe, run, trained
from tests.security.living import LivedIn


def _open_to_others(folder: Path) -> list[str]:
    """Everything under `folder` that its mode opens to anyone but its owner, however it is reached."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and path.stat().st_mode & 0o077]


def _reachable(folder: Path) -> list[str]:
    """Files under `folder` that this process can read, links and sockets that it can use; by brute force."""
    names = []
    for at, folders, files in os.walk(folder):
        names += [os.path.join(at, name) for name in (*folders, *files)]
    return [name for name in names if _read(name) or _connected(name)]


def _read(name: str) -> bool:
    with suppress(OSError):
        if os.path.isdir(name):
            return bool(os.listdir(name)) or True
        with open(name, "rb") as file:
            file.read(1)
            return True
    return False


def _connected(name: str) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
        return True
    return False


def test_what_is_kept_can_be_read_by_its_user_alone_whatever_the_umask(lived_in: LivedIn) -> None:
    """The second user walks everything by name, as if the names had been guessed."""
    with Session(lived_in.home):
        names = [str(path) for path in (lived_in.home, *lived_in.home.rglob("*"))]
        kept = {Path(name).name for name in names}
        assert {
            "store.sqlite",
            "events.jsonl",
            "recipe.yaml",
            "job.json",
            "console.log",
            "engine.log",
        } <= kept
        assert as_nobody(lambda: [name for name in names if _read(name) or _connected(name)]) == []
    seen = as_nobody(lambda: _read(str(lived_in.common / "mine.yaml")))
    assert seen is True, "the second user sees nothing at all"


def test_what_is_kept_has_modes_for_its_user_alone(lived_in: LivedIn) -> None:
    """The home and all in it by their own modes, but for what lies in a folder that is shut."""
    runs, tokens = lived_in.home / "runs", lived_in.home / "tokens"
    open_ones = map(Path, _open_to_others(lived_in.home))
    assert [path for path in open_ones if runs not in path.parents and tokens not in path.parents] == []
    shut = [tokens, *(path for path in runs.iterdir() if path.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in shut} == {0o700}


def test_a_home_that_others_may_enter_still_keeps_its_files(home: Path) -> None:
    """A folder of one's own choice keeps its mode; what is written there is private all the same."""
    home.mkdir(mode=0o755)
    assert run("runs", umask=0).returncode == 0
    with Session(home):
        names = [str(path) for path in home.rglob("*")]
        assert {"engine.log", "store.sqlite"} <= {Path(name).name for name in names}
        assert as_nobody(lambda: [name for name in names if _read(name)]) == []


def test_another_user_cannot_attach(home: Path) -> None:
    """Neither the folder, nor the socket, nor the key of a living engine."""
    with Session(paths.home()):
        link = paths.engine_link(paths.home())
        address = link.parent / link.readlink()
        key = address.with_suffix(".key")
        assert _connected(str(address))
        assert _read(str(key))
        names = [str(path) for path in (link.parent, link, address, key)]
        assert as_nobody(lambda: [name for name in names if _read(name) or _connected(name)]) == []


def test_the_engine_and_its_workers_listen_at_no_port(
    home: Path, common: Path, model: Path, rows: Path
) -> None:
    """Nothing can be reached by network: the one listener is a Unix socket in a private folder."""
    path = recipe(common / "long.yaml", model, rows, max_steps=100_000)
    with Session(paths.home()) as session:
        done = run("train", str(path), "--detach")
        assert done.returncode == 0, done.stderr
        number = done.stdout.strip()
        state = session.state(number)
        while state.step < 1:
            assert state.outcome is None, state.outcome
            state = session.state(number)
        engine = bus.engine_pid(paths.home())
        assert engine is not None
        processes = [psutil.Process(engine), psutil.Process(state.pid)]
        assert [made for process in processes for made in process.net_connections("inet")] == []
        listening = [made for made in processes[0].net_connections("unix") if made.laddr]
        assert all(Path(str(made.laddr)).parent == paths.socket_folder() for made in listening)
        assert listening
        session.act(number, "kill")


def test_what_a_job_is_told_stays_within_its_users_processes(home: Path) -> None:
    """The kernel shows the variables of a process, where secrets live, to its own user alone."""
    pid = os.getpid()
    assert _read(f"/proc/{pid}/environ")
    assert as_nobody(lambda: _read(f"/proc/{pid}/environ")) is False


def test_the_adapters_folder_that_a_person_names_has_that_persons_umask(
    common: Path, home: Path, model: Path, rows: Path
) -> None:
    """`output_dir` is the user's own: shared with a group or private, as the umask says."""
    out = common / "out"
    path = recipe(common / "mine.yaml", model, rows, output_dir=str(out))
    assert trained(str(path), umask=0o027)["adapter"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    for file in out.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.fixture
def planted(common: Path) -> Iterator[Path]:
    """The socket folder's place, in a folder where everyone may write as in /tmp."""
    common.chmod(0o1777)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "Path", lambda _: common)
        yield common / f"openlora-{os.getuid()}"


@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_a_socket_folder_planted_by_another_user_is_refused(planted: Path, kind: str) -> None:
    """A folder of theirs, a link of theirs into our own files, or a file: one message, and no use of it."""
    ours = planted.parent / "ours"
    ours.mkdir(mode=0o700)

    def plant() -> None:
        if kind == "folder":
            os.mkdir(planted, 0o700)
        elif kind == "link":
            os.symlink(ours, planted)
        else:
            planted.write_text("")

    as_nobody(plant)
    assert planted.lstat().st_uid == NOBODY
    with pytest.raises(Problem, match="not private") as caught:
        Address(planted.parent, bus.Mailboxes())
    assert str(planted) in caught.value.where
    assert list(ours.iterdir()) == []


def test_a_home_planted_by_another_user_is_refused(common: Path, home: Path) -> None:
    """Whoever owns the folder could put anything in our way later."""
    common.chmod(0o1777)

    def plant() -> None:
        os.mkdir(home)
        os.mkdir(home / "runs")
        os.chmod(home, 0o777)
        os.chmod(home / "runs", 0o777)

    as_nobody(plant)
    done = run("runs")
    assert (done.returncode, done.stdout) == (2, "")
    assert str(home) in done.stderr
    assert "It belongs to user 65534" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_where_others_may_write_is_refused(home: Path) -> None:
    """A link in the place of a log would make us write into a file of their choice."""
    home.mkdir()
    home.chmod(0o777)
    done = run("runs")
    assert done.returncode == 2
    assert "All others may write there" in done.stderr
    assert "chmod o-w" in done.stderr


def test_the_log_of_a_fault_follows_no_link_in_tmp(
    common: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a usable home it lies in the socket's folder, never under a name that anyone can take."""
    from openlora_tui.start import _write_fault

    victim = common / "victim"
    victim.write_text("")
    trap = Path("/tmp/tui.log")
    monkeypatch.setenv("OPENLORA_HOME", "/proc/nowhere")
    monkeypatch.setattr(paths, "Path", lambda word: common if word == "/tmp" else Path(word))
    with suppress(FileExistsError):
        trap.symlink_to(victim)
    try:
        path = Path(_write_fault(ValueError("a fault")))
        assert "a fault" in path.read_text()
        assert path.parent == paths.socket_folder()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert victim.read_text() == ""
    finally:
        if trap.is_symlink() and trap.readlink() == victim:
            trap.unlink()
        shutil.rmtree(common / f"openlora-{os.getuid()}", ignore_errors=True)


def test_signals_of_another_user_do_not_reach_the_engine(home: Path) -> None:
    """The kernel sees to it; said here because a run lives as long as its processes."""
    with Session(paths.home()):
        pid = bus.engine_pid(paths.home())
        assert pid is not None

        def kill() -> str:
            try:
                os.kill(pid, signal.SIGKILL)
            except PermissionError:
                return "refused"
            return "killed"

        assert as_nobody(kill) == "refused"
