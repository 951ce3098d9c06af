"""Eight cards and a queue: who gets which, and what the others are told that they wait for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.leases.asked import asked
from engine.leases.cards import Lease, devices_in
from engine.leases.locks import Locks
from engine.leases.standing import Standing, Waits
from engine.messages import Gpu

GIB = 1 << 30
CARDS = [Gpu(index=n, name="L4", uuid=f"GPU-{n}", used=GIB // 2, total=24 * GIB) for n in range(8)]
Devices = str | int | list[int | str]


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks(tmp_path / "cards")


@pytest.fixture
def standing(locks: Locks) -> Standing:
    return Standing(locks)


def _ask(
    standing: Standing,
    name: str,
    devices: Devices = "auto",
    need: int | None = None,
    cards: list[Gpu] = CARDS,
) -> str:
    """The lease's name, or what the run waits for."""
    wanted = asked(devices)
    chosen = [card for card in cards if not wanted.names or str(card.index) in wanted.names]
    got = standing.grant(wanted, [] if wanted.cpu else chosen, need, name)
    return got.name if isinstance(got, Lease) else got.reason


def _used(*gib: float) -> list[Gpu]:
    return [
        msgspec.structs.replace(card, used=int(used * GIB)) for card, used in zip(CARDS, gib, strict=False)
    ]


def test_runs_go_side_by_side_on_cards_of_their_own(standing: Standing) -> None:
    assert [_ask(standing, f"run {n}") for n in range(8)] == [f"cuda:{n}" for n in range(8)]
    assert _ask(standing, "run 8") == "waits for cuda:0, which run 0 holds"
    assert _ask(standing, "run 9") == "waits for cuda:0, after run 8"


def test_several_cards_are_waited_for_together_and_not_taken_by_who_comes_behind(standing: Standing) -> None:
    assert _ask(standing, "run 1", 6) == "cuda:0,1,2,3,4,5"
    assert _ask(standing, "run 2", 4) == (
        "waits for 2 of 4 cards: cuda:0, which run 1 holds; cuda:1, which run 1 holds"
    )
    assert _ask(standing, "run 3", [7]) == "waits for cuda:7, after run 2"
    assert _ask(standing, "run 4", 8).startswith("waits for 8 of 8 cards: cuda:0, after run 2; cuda:1, ")
    assert _ask(standing, "run 5", "cpu") == "cpu"


def test_a_card_is_shared_where_the_predictions_fit_and_an_empty_one_comes_first(standing: Standing) -> None:
    two = CARDS[:2]
    assert _ask(standing, "run 1", need=8 * GIB, cards=two) == "cuda:0"
    assert _ask(standing, "run 2", need=14 * GIB, cards=two) == "cuda:1"
    assert _ask(standing, "run 3", need=10 * GIB, cards=two) == "cuda:0"
    assert _ask(standing, "run 4", need=10 * GIB, cards=two) == "waits for cuda:0, which run 1 holds"


@pytest.mark.parametrize(("first", "second"), [(None, GIB), (GIB, None)])
def test_a_card_is_not_shared_where_a_size_is_not_known(
    standing: Standing, first: int | None, second: int | None
) -> None:
    assert _ask(standing, "run 1", [0], first) == "cuda:0"
    assert _ask(standing, "run 2", [0], second) == "waits for cuda:0, which run 1 holds"


def test_several_cards_are_never_shared(standing: Standing) -> None:
    assert _ask(standing, "run 1", 2, GIB, CARDS[:2]) == "cuda:0,1"
    standing.hold("cuda:2", "which run 5 holds", GIB)
    assert "cuda:2, which run 5 holds" in _ask(standing, "run 2", [2, 3], GIB)


def test_what_other_programs_hold_counts(standing: Standing) -> None:
    cards = _used(20, 6, 0)
    assert _ask(standing, "run 1", need=16 * GIB, cards=cards) == "cuda:1"
    assert _ask(standing, "run 2", need=30 * GIB, cards=cards) == "cuda:2"
    why = "of which other programs hold 20.0 GiB of 24.0 GiB"
    assert _ask(standing, "run 3", [0], 8 * GIB, cards) == f"waits for cuda:0, {why}"
    assert _ask(standing, "run 4", [0], None, cards) == "waits for cuda:0, after run 3"


def test_a_small_job_fits_beside_another_program(standing: Standing) -> None:
    assert _ask(standing, "run 1", [0], 3 * GIB, _used(20)) == "cuda:0"


def test_a_job_of_unknown_size_takes_a_card_that_is_half_empty(standing: Standing) -> None:
    assert _ask(standing, "run 1", cards=_used(13, 11)) == "cuda:1"


def test_the_cpu_takes_one_run_however_many_ranks_it_has(standing: Standing) -> None:
    assert _ask(standing, "run 1", "cpu:2") == "cpu:2"
    assert _ask(standing, "run 2", "cpu") == "waits for cpu, which run 1 holds"
    assert _ask(standing, "run 3", "auto", cards=[]) == "waits for cpu, after run 2"


def test_a_side_job_takes_an_idle_card_or_the_cpu(standing: Standing) -> None:
    assert _ask(standing, "run 1", 2, cards=CARDS[:2]) == "cuda:0,1"
    assert standing.idle(CARDS[:2]).name == "cpu"
    assert standing.idle(CARDS[:3]).name == "cuda:2"


def test_another_engines_card_is_passed_over_and_waited_for(standing: Standing, tmp_path: Path) -> None:
    hold = "import sys; from engine.leases.locks import Locks; from pathlib import Path\n"
    hold += "locks = Locks(Path(sys.argv[1])); print(locks.take('GPU-0'), flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", hold, str(tmp_path / "cards")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "True\n"
            assert _ask(standing, "run 1", cards=CARDS[:2]) == "cuda:1"
            said = _ask(standing, "run 2", [0])
            assert said.startswith("waits for cuda:0, which OpenLoRA of ")
            assert f"(process {other.pid})" in said
        finally:
            other.kill()
    assert _ask(Standing(Locks(tmp_path / "cards")), "run 2", [0]) == "cuda:0"


def test_a_lock_is_shared_by_the_engine_and_its_workers_and_by_nobody_else(tmp_path: Path) -> None:
    engine, worker, other = (Locks(tmp_path) for _ in range(3))
    assert engine.take("GPU-0")
    assert worker.share("GPU-0")
    engine.keep(set())  # it died; the worker goes on
    assert not other.take("GPU-0")
    following = Locks(tmp_path)
    assert following.share("GPU-0")
    worker.keep(set())
    assert not other.take("GPU-0")
    following.keep(set())
    assert other.take("GPU-0")


def test_a_lock_whose_file_a_cleaner_removed_is_taken_anew(tmp_path: Path) -> None:
    first = Locks(tmp_path)
    assert first.take("GPU-0")
    (tmp_path / "GPU-0.lock").unlink()
    assert Locks(tmp_path).take("GPU-0")


def test_without_a_folder_for_locks_cards_are_leased_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Locks(tmp_path / "file").take("GPU-0")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), st.none() | st.integers(1, 30)), max_size=12))
def test_no_card_is_ever_given_beyond_what_it_holds(queue: list[tuple[int, int | None]]) -> None:
    standing = Standing(_Open())
    given: dict[str, list[int | None]] = {}
    for number, (count, gib) in enumerate(queue):
        need = None if gib is None else gib * GIB
        got = standing.grant(asked(count), CARDS, need, f"run {number}")
        if isinstance(got, Waits):
            continue
        assert len(got.cards) == count
        for device in devices_in(got.name):
            given.setdefault(device, []).append(need)
    for needs in given.values():
        assert len(needs) == 1 or sum(need or 25 * GIB for need in needs) <= 24 * GIB


class _Open(Locks):
    """A machine on which nobody else is."""

    def take(self, uuid: str) -> bool:
        return True
