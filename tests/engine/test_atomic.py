"""Files and folders are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import atomic
from engine.atomic import draft, publish, replace, sweep, sweep_all, write


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
    monkeypatch.setattr(atomic, "_swapped", lambda one, other: False)
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


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_takes_the_place_of_another_with_all_that_was_in_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, *, swaps: bool
) -> None:
    if not swaps:
        monkeypatch.setattr(atomic, "_swapped", lambda one, other: False)
    written(place / "t", "old")
    (place / "t" / "b").write_text("of the old one alone")
    with draft(place / "t") as folder:
        (folder / "a").write_text("new")
        replace(folder, place / "t")
    assert (place / "t" / "a").read_text() == "new"
    assert names(place / "t") == ["a"]
    assert names(place) == ["t"]


def test_an_exchange_of_folders_never_leaves_their_name_empty(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is killed between any two calls to the system leaves the old one or the new."""
    written(place / "t", "old")
    seen: set[str] = set()

    def look(path: Path) -> None:
        seen.add((place / "t" / "a").read_text())

    monkeypatch.setattr(atomic, "sync", look)
    with draft(place / "t") as folder:
        (folder / "a").write_text("new")
        monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("two renames leave a moment between them"))
        replace(folder, place / "t")
    assert seen == {"old", "new"}


def test_all_that_killed_writers_left_in_a_folder_is_put_right(place: Path) -> None:
    for name in ("one", "two"):
        written(place / name, name)
    (place / "one").rename(place / ".one.replaced")
    (place / ".one.draft").mkdir()
    (place / ".three.draft").mkdir()
    sweep_all(place)
    assert names(place) == ["one", "two"]
    assert (place / "one" / "a").read_text() == "one"


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
