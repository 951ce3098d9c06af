"""docs/security.md names the tests that prove it, and leaves none out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
HERE = Path(__file__)


def _tests(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_is_named_exists() -> None:
    assert NAMED
    there = {path.name: _tests(path) for path in HERE.parent.glob("test_*.py")}
    assert [(file, name) for file, name in NAMED if name not in there.get(file, ())] == []


def test_every_file_of_tests_is_named() -> None:
    files = {path.name for path in HERE.parent.glob("test_*.py")} - {HERE.name}
    assert files == {file for file, _ in NAMED}


def test_every_promise_has_a_test() -> None:
    """A line that begins in bold is a promise."""
    promises = re.split(r"\n(?=- \*\*)", PAGE.partition("## What is not promised")[0])[1:]
    assert len(promises) > 15
    assert [promise[:80] for promise in promises if not re.search(r"`test_\w+\.py::", promise)] == []
