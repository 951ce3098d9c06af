"""Amounts of memory as people write them."""

from __future__ import annotations

import pytest

from engine.memory.limit import given
from engine.problem import Problem


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("12GiB", 12 << 30),
        ("12GB", 12 * 10**9),
        ("24000MiB", 24000 << 20),
        ("12", 12 << 30),
        ("12G", 12 << 30),
        ("0.5TiB", 1 << 39),
        ("80 gib", 80 << 30),
        (" 7.5gb ", 7_500_000_000),
    ],
)
def test_amounts_with_and_without_units(words: str, size: int) -> None:
    assert given(words).bytes == size


@pytest.mark.parametrize("words", ["", "much", "-4GiB", "0GiB", "12XB", "25769803776", "12GiBB", "1e3GiB"])
def test_what_is_no_amount_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(Problem) as caught:
        given(words)
    assert "12GiB" in caught.value.do
    assert caught.value.exit_status == 2
