"""What a terminal sends arrives whole, however it is cut; half a sequence is no key, half a paste ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlora_tui.terminal.incoming import Incoming
from tests.terminal import Terminal

KEYS = ["a", "é", "😀", "\x1b", "\x1b[A", "\x1b[1;5C", "\x1bOP", "\x1b[<35;10;20M", "\x1b[?2026;2$y",
        "\x1b[200~pasted\x1b[201~", "\x1bx", "\r"]  # fmt: skip


@given(st.lists(st.sampled_from(KEYS)), st.data())
def test_cuts_change_nothing_of_what_is_parsed(keys: list[str], data: st.DataObject) -> None:
    sent = "".join(keys).encode()
    incoming, came, start = Incoming(), "", 0
    while start < len(sent):
        end = data.draw(st.integers(start + 1, len(sent)))
        came += incoming.take(sent[start:end], 0.0)
        assert "".join(keys).startswith(came)
        start = end
    assert came == "".join(keys)


@given(st.binary())
def test_no_bytes_are_too_strange(data: bytes) -> None:
    incoming = Incoming()
    assert isinstance(incoming.take(data, 0.0), str)
    assert incoming.overdue(60.0) in ("", "\x1b[201~")
    assert incoming.take(b"j", 61.0).endswith("j")


@pytest.mark.parametrize("half", ["\x1b[", "\x1bO", "\x1b[<35;1", "\x1b[?2026;2$", "\x1b[1;"])
def test_half_a_sequence_of_which_the_rest_never_comes_is_dropped(half: str) -> None:
    incoming = Incoming()
    assert incoming.take(b"j" + half.encode(), 0.0) == "j"
    assert incoming.overdue(0.5) == ""
    assert incoming.overdue(1.5) == ""
    assert incoming.take(b"q", 2.0) == "q"


def test_esc_is_a_key_at_once() -> None:
    assert Incoming().take(b"\x1b", 0.0) == "\x1b"


def test_a_paste_that_breaks_off_ends_after_a_silence_and_only_once() -> None:
    incoming = Incoming()
    assert incoming.take(b"\x1b[200~half a text", 0.0) == "\x1b[200~half a text"
    assert incoming.overdue(4.0) == ""
    assert incoming.overdue(5.5) == "\x1b[201~"
    assert incoming.overdue(60.0) == ""


def test_bytes_that_are_no_text_do_not_end_the_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Terminal([sys.executable, "-m", "tests.tui.seated_app"], 80, 24) as app:
        app.until("support-tickets")
        app.press_bytes(b"\xff\xfe\x80\x00\xc3\x28 \x1b[M\xe0\xe1\xe2 \x1b[<9999999999;9999999999;1M")
        app.press("?")
        app.until("Keys in Runs")
