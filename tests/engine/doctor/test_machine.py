"""What a container allows, what logind would do, what lies on the disk, and what the terminal can."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.doctor import cgroup, login, machine, storage, terminal, tmux
from engine.doctor.hub import reach, shown, token_check
from engine.doctor.tmux import Settings
from tests.engine.hub.server import Hub

GIB = 1 << 30


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_tightest_limit_of_control_groups_version_2(tmp_path: Path) -> None:
    root = tmp_path
    group = "sys__fs__cgroup__a__b__"
    written(root, proc__self__cgroup="0::/a/b\n")
    written(root, **{group + "memory_DOT_max": "max\n", group + "cpu_DOT_max": "max 100000\n"})
    assert (cgroup.memory(root), cgroup.cores(root)) == (None, None)
    above = "sys__fs__cgroup__a__"
    written(root, **{above + "memory_DOT_max": f"{8 * GIB}\n", above + "memory_DOT_current": f"{GIB}\n",
                     above + "cpu_DOT_max": "150000 100000\n"})  # fmt: skip
    assert cgroup.memory(root) == (8 * GIB, GIB)
    assert cgroup.cores(root) == 1.5


def test_control_groups_version_1_in_a_container_that_sees_only_its_own(tmp_path: Path) -> None:
    written(tmp_path, proc__self__cgroup="4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n")
    (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    (tmp_path / "sys/fs/cgroup/memory/memory.usage_in_bytes").write_text(f"{GIB}\n")
    assert cgroup.memory(tmp_path) == (2 * GIB, GIB)
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert cgroup.memory(tmp_path) is None


@pytest.mark.parametrize(
    ("available", "container", "state"),
    [(20 * GIB, None, "good"), (20 * GIB, (64 * GIB, 0), "good"), (20 * GIB, (8 * GIB, GIB), "note"),
     (20 * GIB, (8 * GIB, 7 * GIB), "warning"), (GIB, None, "warning")],
)  # fmt: skip
def test_memory_is_what_the_container_leaves(
    available: int, container: tuple[int, int] | None, state: str
) -> None:
    assert machine.memory_check(32 * GIB, available, container).state == state


def systemd(root: Path, **settings: str) -> Path:
    (root / "run/systemd/system").mkdir(parents=True)
    for name, text in settings.items():
        path = root / {"etc": "etc/systemd/logind.conf", "drop_in": "etc/systemd/logind.conf.d/a.conf",
                       "shipped": "usr/lib/systemd/logind.conf"}[name]  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[Login]\n{text}\n")
    return root


def test_without_systemd_nothing_ends_at_logout(tmp_path: Path) -> None:
    assert login.logout_check(tmp_path, "me").state == "good"


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"etc": "#KillUserProcesses=no"}, "good"),
        ({"etc": "#KillUserProcesses=yes"}, "warning"),
        ({"etc": "KillUserProcesses=no", "drop_in": "KillUserProcesses=yes"}, "warning"),
        ({"shipped": "#KillUserProcesses=yes", "etc": "KillUserProcesses=no"}, "good"),
        ({"etc": "KillUserProcesses=yes\nKillExcludeUsers=root me"}, "good"),
        ({}, "note"),
    ],
)
def test_what_logind_is_set_to_decides(settings: dict[str, str], state: str, tmp_path: Path) -> None:
    check = login.logout_check(systemd(tmp_path, **settings), "me")
    assert check.state == state
    if state != "good":
        assert "loginctl enable-linger me" in check.do


def test_logind_itself_knows_better_than_its_files(tmp_path: Path) -> None:
    root = systemd(tmp_path, etc="#KillUserProcesses=no")
    assert login.logout_check(root, "me", asked=True).state == "warning"


def test_lingering_helps_what_the_users_manager_started_and_nothing_else(tmp_path: Path) -> None:
    root = systemd(tmp_path, etc="KillUserProcesses=yes")
    written(root, var__lib__systemd__linger__me="")
    written(root, proc__self__cgroup="0::/user.slice/user-1000.slice/session-3.scope\n")
    assert login.logout_check(root, "me").state == "warning"
    written(root, proc__self__cgroup="0::/user@1000.service/run-1.scope\n")
    assert login.logout_check(root, "me").state == "good"


def test_room_that_no_run_can_work_in_and_little_room(tmp_path: Path) -> None:
    def room(blocks: int, little: int) -> str:
        return storage.room_check(
            "disk", tmp_path / "not/there", blocks=blocks, little=little, what="x"
        ).state

    assert [room(0, 0), room(0, 1 << 62), room(1, 1 << 62), room(1 << 62, 1 << 62)] == [
        "good", "note", "warning", "blocker",
    ]  # fmt: skip


def test_a_home_that_cannot_be_written_is_a_blocker(home: Path) -> None:
    (check,) = storage.write_checks(home / "gone")
    assert (check.state, "No such file" in check.found) == ("blocker", True)
    assert {check.name for check in storage.write_checks(home) if check.state != "blocker"} == {"writing"}
    assert [path.name for path in home.iterdir()] == ["runs"]


def test_a_home_that_others_may_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "chmod 700" in storage.home_check(tmp_path).do
    tmp_path.chmod(0o700)
    assert storage.home_check(tmp_path).state == "good"


def test_the_token_is_never_shown_and_its_file_must_be_private(tmp_path: Path) -> None:
    secret = "hf_" + "x" * 30
    env = {"HF_HOME": str(tmp_path)}
    assert "none" in token_check(env).found
    (tmp_path / "token").write_text(secret)
    (tmp_path / "token").chmod(0o644)
    checks = [token_check(env), token_check({"HF_TOKEN": secret})]
    assert [check.state for check in checks] == ["warning", "good"]
    assert not any(secret in check.found + check.do for check in checks)
    assert shown("https://me:pass@mirror.example/hf") == "https://mirror.example/hf"


@pytest.mark.parametrize(
    ("size", "state"), [((80, 24), "good"), ((60, 20), "note"), ((59, 24), "note"), (None, "good")]
)
def test_the_size_of_the_terminal(size: tuple[int, int] | None, state: str) -> None:
    assert terminal.size_check(size).state == state


@pytest.mark.parametrize(
    ("env", "state", "said"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "good", "true colour"),
        ({"TERM": "xterm-256color"}, "good", "256 colours"),
        ({"TERM": "xterm-256color", "SSH_CONNECTION": "x"}, "note", "256 colours"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "note", "NO_COLOR"),
    ],
)
def test_colours(env: dict[str, str], state: str, said: str) -> None:
    check = terminal.colour_check(env)
    assert (check.state, said in check.found) == (state, True)


@pytest.mark.parametrize("term", ["", "dumb", "a-terminal-that-nobody-has"])
def test_terminals_that_cannot_or_are_not_known(term: str) -> None:
    assert terminal.term_check({"TERM": term}).state == "note"


GOOD = Settings(
    version="3.5",
    terminal="xterm-256color",
    features=("RGB", "clipboard"),
    inner="tmux-256color",
    clipboard="on",
    escape=10,
)


def test_a_tmux_that_lets_everything_through() -> None:
    assert {check.state for check in tmux.checks(GOOD, {"COLORTERM": "truecolor"})} == {"good"}


@pytest.mark.parametrize(
    ("settings", "env", "do"),
    [
        (Settings(inner="tmux-256color", clipboard="external"), {}, "set-clipboard on"),
        (
            Settings(inner="tmux-256color", clipboard="on", terminal="xterm", features=("title",)),
            {},
            "xterm:clipboard",
        ),
        (Settings(inner="xterm-256color"), {}, "default-terminal tmux-256color"),
        (Settings(inner="screen-256color", terminal="st"), {"COLORTERM": "truecolor"}, "st:RGB"),
        (Settings(inner="tmux-256color", features=("RGB",)), {}, "export COLORTERM=truecolor"),
        (Settings(inner="tmux-256color", escape=500), {}, "escape-time 10"),
    ],
)
def test_what_tmux_keeps_back_comes_with_the_command_that_mends_it(
    settings: Settings, env: dict[str, str], do: str
) -> None:
    said = [check.do for check in tmux.checks(settings, env)]
    assert any(do in line for line in said), said


def test_the_hub_is_tried_where_that_was_asked_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = reach()
    assert (check.name, check.found.startswith(hub.endpoint)) == ("reached", True)
    monkeypatch.setenv("HF_ENDPOINT", "http://me:secret@127.0.0.1:9")
    (check,) = reach()
    assert (check.state, "cannot be reached" in check.found) == ("warning", True)
    assert "secret" not in check.found + check.do
