"""The docs that are made from tables say what the tables say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", ["recipe", "keys"])
def test_a_made_page_is_up_to_date(name: str) -> None:
    made = runpy.run_path(str(DOCS / "make.py"))[name]()
    assert (DOCS / f"{name}.md").read_text() == made, "run `just docs`"
