"""Files that may not be read, or change while they are read: told in words."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.data.inspect import Inspection
from engine.data.refusal import Refusal
from tests.bad_input.telling import check_words, outcome

NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Files are opened with another user's rights; the program itself is loaded already."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("command", ["inspect", "train", "new"])
def test_a_file_of_someone_else(
    command: str, open_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLORA_HOME", str(open_folder / "home"))
    (open_folder / "home").mkdir()
    os.chown(open_folder / "home", NOBODY, NOBODY)
    name = "rows.jsonl" if command == "inspect" else "recipe.yaml"
    words = (
        [command, str(open_folder / name)] if command != "new" else ["new", "--from", str(open_folder / name)]
    )
    outcome(*words)  # loads what the command needs
    secret = open_folder / name
    secret.write_text("password")
    secret.chmod(0o600)
    capsys.readouterr()
    with as_nobody():
        assert outcome(*words) == 2
    out, err = capsys.readouterr()
    check_words(err)
    assert "ermission denied" in err
    assert "password" not in out + err


def test_a_file_that_is_cut_short_while_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": " b"}\n' * 5000)
    inspection = Inspection([path], None)
    steps = inspection.steps()
    for share in steps:
        if share > 0:
            break
    os.truncate(path, 100)
    for _ in steps:
        pass
    report = inspection.report()
    assert report.done or report.problem
    with pytest.raises(Refusal) as refused:
        inspection.show(report.rows - 1, 64)
    assert refused.value.do


def test_a_file_that_becomes_another_while_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": " b"}\n' * 100)
    inspection = Inspection([path], None)
    assert list(inspection.steps())
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000))
    with pytest.raises(Refusal, match="The file has changed"):
        inspection.show(50, 64)
