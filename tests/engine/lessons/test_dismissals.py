"""A finding that was put aside stays so as far as its scope reaches, and no farther; undo brings it back."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from engine.findings import Finding
from engine.lessons import dismissals
from engine.lessons.dismissals import (
    About,
    Standing,
    dismissal,
    is_dismissed,
    put,
    standing_in,
    take_in,
)
from engine.remarks import Remarks, Scope

FOUND = Finding(category="quality", severity="warning", title="12 answers are short", check="answers.short")
HERE = About(files=["/d/a.jsonl", "/d/b.jsonl"], model="Qwen/Qwen2.5-0.5B")


@pytest.mark.parametrize(
    ("scope", "about", "reaches"),
    [
        ("dataset", About(files=["/d/b.jsonl", "/d/a.jsonl"], model="other"), True),
        ("dataset", About(files=["/d/a.jsonl"], model=HERE.model), False),
        ("model", About(files=["/d/z.jsonl"], model="/models/qwen2.5-0.5b/"), True),
        ("model", About(files=HERE.files, model="gpt2"), False),
        ("always", About(), True),
    ],
)
def test_a_dismissal_reaches_as_far_as_its_scope_and_can_be_undone(
    home: Path, scope: Scope, about: About, reaches: bool
) -> None:
    assert put(home, dismissal(FOUND, scope, "they are meant to be"), HERE)
    found = is_dismissed(FOUND, about, standing_in(home))
    assert (found is not None) == reaches
    if found is not None:
        assert (found.scope, found.reason) == (scope, "they are meant to be")
    put(home, dismissal(FOUND, scope, undone=True), HERE)
    assert standing_in(home) == []


def test_a_runs_own_dismissals_lie_in_its_events_and_cover_even_what_stopped_it(home: Path) -> None:
    grave = Finding(category="oom", severity="blocker", title="Memory ran out at step 12")
    put_aside = dismissal(grave, "run")
    assert not put(home, put_aside, HERE)
    remarks = Remarks()
    remarks.take(put_aside)
    assert is_dismissed(grave, About(remarks=remarks), [])
    put(home, dismissal(grave, "always"), HERE)
    assert is_dismissed(grave, HERE, standing_in(home)) is None


def test_findings_of_no_check_are_known_by_what_they_say_whatever_their_figures(home: Path) -> None:
    one = Finding(category="other", severity="note", title="3 rows are odd")
    put(home, dismissal(one, "always"), HERE)
    grown = Finding(category="other", severity="note", title="1,204 rows are odd")
    another = Finding(category="other", severity="note", title="The clock is wrong")
    assert is_dismissed(grown, HERE, standing_in(home))
    assert is_dismissed(another, HERE, standing_in(home)) is None


def test_what_is_not_known_is_not_put_aside_and_a_broken_list_is_none(home: Path) -> None:
    assert not put(home, dismissal(FOUND, "model"), About(files=["/d"]))
    (home / "dismissals.json").write_bytes(b'{"torn')
    assert standing_in(home) == []
    assert put(home, dismissal(FOUND, "always"), HERE)
    assert len(standing_in(home)) == 1


def test_a_broken_list_is_moved_aside_and_not_written_over(home: Path) -> None:
    (home / "dismissals.json").write_bytes(b'{"torn')
    put(home, dismissal(FOUND, "always"), HERE)
    assert (home / "dismissals.damaged").read_bytes() == b'{"torn'


def test_those_of_another_home_are_short_of_no_later_day_and_give_way(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dismissals, "_MOST", 3)
    put(home, dismissal(FOUND, "always"), HERE)
    theirs = [Standing(found=f"c{n}", scope="always", t=9e10) for n in range(5)]
    take_in(home, [Standing(found="long", scope="always", reason="x" * 1000), *theirs])
    put(home, dismissal(FOUND, "model"), HERE)
    kept = standing_in(home)
    assert [one.imported for one in kept].count(False) == 2
    assert len(kept) == 3
    assert "long" not in {one.found for one in kept}
    assert max(one.t for one in kept) <= time.time()


def test_two_findings_of_one_category_are_put_aside_side_by_side(home: Path) -> None:
    first = Finding(category="other", severity="note", title="3 rows are odd")
    second = Finding(category="other", severity="note", title="The clock is wrong")
    grown = msgspec.structs.replace(first, title="1,204 rows are odd")
    remarks = Remarks()
    for one in (first, second, FOUND):
        remarks.take(dismissal(one, "run"))
    assert all(is_dismissed(one, About(remarks=remarks), []) for one in (first, second, FOUND))
    remarks.take(dismissal(grown, "run", undone=True))
    remarks.take(dismissal(msgspec.structs.replace(FOUND, title="All are short"), "run", undone=True))
    assert [one.title for one in remarks.dismissed] == [second.title]
