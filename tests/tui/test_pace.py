"""A terminal is asked after what it was sent, and waited for only if it answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openlora_tui.terminal.pace import PATIENCE, Pace

BIG = 100_000


def test_one_that_never_answers_is_asked_once_and_never_waited_for() -> None:
    pace = Pace()
    asked = [pace.sends(BIG, float(turn)) for turn in range(50)]
    assert asked == [True] + [False] * 49
    assert not pace.behind(50.0)


def test_one_that_answers_is_waited_for_until_it_has_caught_up() -> None:
    pace = Pace()
    pace.sends(BIG, 0.0)
    pace.answered()
    assert not pace.behind(0.0)
    assert pace.sends(BIG, 1.0)
    assert pace.behind(1.1)
    pace.answered()
    assert not pace.behind(1.2)


def test_one_that_stops_answering_is_not_waited_for_for_ever() -> None:
    pace = Pace()
    pace.sends(BIG, 0.0)
    pace.answered()
    pace.sends(BIG, 1.0)
    assert pace.behind(1.0 + PATIENCE / 2)
    assert not pace.behind(1.0 + PATIENCE)
    pace.sends(BIG, 30.0)
    assert not pace.behind(30.0)


@given(st.lists(st.one_of(st.integers(1, 60_000), st.none())))
def test_what_is_small_and_answered_is_never_waited_for(turns: list[int | None]) -> None:
    """None is an answer to every question so far; whatever came between, one answer after all is enough."""
    pace, asked = Pace(), False
    for turn in turns:
        if turn is None:
            if asked:
                pace.answered()
            asked = False
        else:
            asked = pace.sends(turn, 0.0) or asked
    for _ in range(2):
        if asked:
            pace.answered()
        asked = pace.sends(1, 0.0)
    assert not pace.behind(0.0)
