"""Files and folders are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.atomic import draft, publish, sweep, write


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def written(target: Path, text: str) -> None:
    with draft(target) as folder:
        (folder / "a").write_text(text)
        publish(folder, target)


def fail(target: Path) -> None:
    with draft(target) as folder:
        (folder / "a").write_text("ne")
        raise OSError("full")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_write_leaves_the_old_one(place: Path) -> None:
    target = place / "t"
    written(target, "old")
    with pytest.raises(OSError, match="full"):
        fail(target)
    assert (target / "a").read_text() == "old"
    assert names(place) == ["t"]


def test_a_new_one_replaces_the_old_one(place: Path) -> None:
    for text in ("old", "new"):
        written(place / "t", text)
    assert (place / "t" / "a").read_text() == "new"
    assert names(place) == ["t"]


def test_a_folder_that_cannot_be_moved_gets_the_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = place / "t"
    written(target, "old")

    def busy(self: Path, other: Path) -> None:
        raise OSError("busy")

    monkeypatch.setattr(Path, "rename", busy)
    written(target, "new")
    assert (target / "a").read_text() == "new"
    assert names(place) == ["t"]


def test_what_a_killed_writer_left_is_put_right(place: Path) -> None:
    written(place / "t", "old")
    (place / "t").rename(place / ".t.replaced")
    (place / ".t.draft").mkdir()
    sweep(place / "t")
    assert (place / "t" / "a").read_text() == "old"
    assert names(place) == ["t"]


def test_a_file_that_cannot_be_written_stays_as_it_was(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place / "f", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write(place / "f", b"new")
    assert (place / "f").read_bytes() == b"old"
    assert names(place) == ["f"]
    write(place / "f", b"new")
    assert (place / "f").read_bytes() == b"new"
