"""Runs a command in this process, and proves that what it says of bad input is one clear message."""

from __future__ import annotations

import json
import os
import unicodedata
from typing import Any

import pytest

from openlora_tui.cli.main import main

LONGEST = 3200
"""Characters for people: what and where, why, what to do."""
NAMES = [
    "esc\x1b[31mred\x1b]0;title\x07",
    "line\nend\ttab",
    "[red]markup[/red] [@click=app.quit]x[/]",
    "bidi\u202egnp.exe",
    "c1\x9b31m",
    "../../../up",
    "-dash",
    "wide\u0301日本🙂",
    "n" * 10_000,
    os.fsdecode(b"\xff\xfe"),
    "",
    " ",
    "~nosuchuser/x",
    "²",
]
"""What someone may call a run, a recipe, a file, a model or a column."""


def said(capsys: pytest.CaptureFixture[str], *words: object, status: int = 2) -> dict[str, Any]:
    """The error that the command ends with; both its faces are proved to be one clear message."""
    found = outcome(words[0], "--json", *words[1:])
    out, err = capsys.readouterr()
    assert found == status, (found, err)
    check_words(err)
    check_safe(out)
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["what"]
    assert error["do"]
    assert isinstance(error, dict)
    return error


def outcome(*words: object) -> int:
    """The exit status of a command, however it ends."""
    try:
        return main([str(word) for word in words])
    except SystemExit as ended:
        return int(ended.code or 0)


def check_words(err: str) -> None:
    """One message, foreseen, of a length that can be read, that steers no terminal."""
    assert err.startswith("openlora: ")
    assert "Traceback" not in err
    assert "did not foresee" not in err
    assert len(err) < LONGEST
    check_safe(err)


def check_safe(text: str) -> None:
    """Nothing in it steers a terminal or turns the direction of writing."""
    steering = [c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp") and c not in "\n\t"]
    assert not steering
    assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI") for c in text)
