"""What runs taught is learnt in slices, outlives them, is told in pages, and goes when someone wishes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from peewee import OperationalError

from engine import events as ev
from engine.event_log import append
from engine.lessons.kept import forget, imported, imported_log
from engine.lessons.learn import lesson_of, noise
from engine.lessons.lesson import Lesson, ModelPrint
from engine.lessons.memory_file import renamed
from engine.lessons.prints import Prints
from engine.messages import JobContext
from engine.problem import Problem
from engine.remarks import Dismissed, Labelled
from engine.run_dir import RunDir, remember_deleted
from engine.run_state import fold
from engine.server.indexing import Indexing
from engine.store import Store
from engine.store.lessons import Lessons
from tests.engine import strategies as some

PRINTS = Prints(
    family="llama", layers=2, hidden=64, vocabulary=512, rows="r", held="h", mask="m", tokenizer="t"
)
PLANNED = ev.Planned(
    steps=9, epochs=1.0, rows=90, eval_rows=10, tokens=900, label_tokens=450, trainable=10, parameters=1010,
    batch_rows=10, prints=PRINTS, form="chat",
)  # fmt: skip


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = Store(home)
    yield store
    store.close()


def _run(home: Path, *events: ev.Event) -> RunDir:
    run = RunDir.create(
        home, "model: m\ndata: d\nlearning_rate: 3e-4\n", JobContext(python="", cwd="/", umask=0)
    )
    created = ev.Created(run=run.run, name=f"run {run.run}", model="m", data=["d"], t=900.0 + int(run.run))
    steps = [some.step(n, tokens=100 * n) for n in range(1, 4)]
    end = ev.Finished(run=run.run, outcome="succeeded", steps=9, loss=1.0, adapter="/a", t=2000.0)
    append(run.events, [created, PLANNED, *steps, *events, end])
    return run


def _read(home: Path, store: Store) -> Indexing:
    indexing = Indexing(home, store)
    indexing.look()
    indexing.learn()
    for _ in range(10_000):
        indexing.work(())
        if not indexing.busy:
            break
    indexing.learn()
    while indexing.busy:
        indexing.work(())
    return indexing


def test_a_lesson_says_what_the_run_was_and_came_to(home: Path, store: Store) -> None:
    losses = [2.0, 1.5, 1.2, 1.0, 0.9, 0.85]
    evaluated = [
        ev.Evaluated(step=at, loss=loss, label_tokens=9, seconds=0.1, figures={"accuracy": loss / 2})
        for at, loss in enumerate(losses)
    ]
    put_aside = Dismissed(found="curve.spike", reason="known")
    run = _run(home, *evaluated, put_aside, Labelled(tags=["good"], note="keep"))
    _read(home, store)
    (told,) = store.lessons.page(0, 9)
    assert told == lesson_of(fold(run.events.read_bytes().splitlines()), run)
    assert (told.model.family, told.model.parameters, told.model.layers) == ("llama", 1000, 2)
    assert (told.data.digest, told.data.eval_digest, told.data.tokenizer) == ("r", "h", "t")
    assert (told.eval_loss, told.first_eval_loss, told.evaluation) == (0.85, 2.0, {"accuracy": 0.425})
    assert told.tokens_per_second == 200
    assert told.eval_noise == pytest.approx(noise(losses))
    assert told.recipe["learning_rate"] == 3e-4
    assert (told.tags, told.note, told.dismissed) == (["good"], "keep", ["curve.spike"])


def test_noise_is_that_of_the_evaluations_and_not_their_course() -> None:
    assert noise([2.0, 1.5, 1.0, 0.5, 0.0]) == pytest.approx(0.0)
    assert noise([2.0, 1.5, 1.0]) is None
    shaken = [1.0 + (0.01 if at % 2 else -0.01) for at in range(40)]
    assert 0.005 < (noise(shaken) or 0) < 0.03


def test_lessons_come_in_pages_the_newest_first_and_a_run_that_went_on_teaches_anew(
    home: Path, store: Store
) -> None:
    runs = [_run(home) for _ in range(5)]
    indexing = _read(home, store)
    assert [lesson.run for lesson in (*store.lessons.page(0, 3), *store.lessons.page(3, 3))] == list("54321")
    assert store.lessons.count() == 5
    assert store.lessons.unlearned() == []
    append(runs[1].events, [Labelled(tags=["again"], t=3000.0)])
    store.index("2")
    assert store.lessons.unlearned() == ["2"]
    indexing.learn()
    indexing.work(())
    assert store.lessons.page(3, 1)[0].tags == ["again"]


def test_a_forgotten_run_teaches_nothing_and_its_number_is_not_given_again(home: Path, store: Store) -> None:
    kept, hidden = _run(home), _run(home, Labelled(forgotten=True))
    _read(home, store)
    assert [lesson.run for lesson in store.lessons.page(0, 9)] == [kept.run]
    remember_deleted(home, Lesson(run=hidden.run, model=ModelPrint(name="m"), forgotten=True))
    remember_deleted(home, lesson_of(fold(kept.events.read_bytes().splitlines()), kept))
    for run in (kept, hidden):
        run.delete()
        store.forget(run.run)
    assert [(lesson.run, lesson.deleted) for lesson in store.lessons.page(0, 9)] == [(kept.run, True)]
    store.forget_lessons([kept.run])
    assert store.lessons.count() == 0
    assert _run(home).run == "3"


def test_lessons_of_another_home_are_taken_in_once_and_survive_the_index(home: Path, store: Store) -> None:
    theirs = [Lesson(run=f"laptop:{n}", model=ModelPrint(name="m"), imported="laptop") for n in (1, 2)]
    store.take_in(theirs)
    store.take_in(theirs[:1])
    assert store.lessons.count() == 2
    assert {lesson.run for lesson in imported(home)} == {"laptop:1", "laptop:2"}
    store.close()
    (home / "store.sqlite").unlink()
    again = Store(home)
    assert again.lessons.count() == 2
    again.forget_lessons(["laptop:1"])
    assert [lesson.run for lesson in again.lessons.page(0, 9)] == ["laptop:2"]
    forget(home, ["laptop:2"])
    assert imported(home) == []
    again.close()


def test_taking_in_adds_lines_and_leaves_those_that_cannot_be_read(home: Path, store: Store) -> None:
    imported_log(home).write_bytes(b'{"run": "tablet:1", "of": "a later version"}\n{"torn')
    first = Lesson(run="laptop:1", model=ModelPrint(name="m"), imported="laptop")
    store.take_in([first])
    store.take_in([msgspec.structs.replace(first, note="again")])
    assert imported_log(home).read_bytes().startswith(b'{"run": "tablet:1", "of": "a later version"}\n')
    assert [lesson.note for lesson in imported(home)] == ["again"]
    assert [lesson.note for lesson in store.lessons.page(0, 9)] == ["again"]
    store.take_in([msgspec.structs.replace(first, run="laptop:2", forgotten=True)])
    assert store.lessons.count() == 1


def test_another_home_of_the_same_name_is_refused_and_the_same_one_is_not() -> None:
    ours = Lesson(run="4", name="calm", created=5.0, model=ModelPrint(name="m"))
    kept = renamed([ours], "ubuntu", [])
    assert [lesson.run for lesson in kept] == ["ubuntu:4"]
    assert renamed([ours], "ubuntu", kept) == []
    assert renamed([msgspec.structs.replace(ours, name="tickets")], "ubuntu", kept)[0].name == "tickets"
    other = msgspec.structs.replace(ours, created=6.0)
    with pytest.raises(Problem, match="remembered as 'ubuntu' already") as refused:
        renamed([other], "ubuntu", kept)
    assert "--as ubuntu-2" in refused.value.do
    assert renamed([other], "ubuntu-2", kept)
    with pytest.raises(Problem) as refused:
        renamed([msgspec.structs.replace(other, run="ubuntu:4", imported="ubuntu")], "desk", kept)
    assert "forget from:ubuntu" in refused.value.do


def test_a_full_disk_does_not_keep_the_index_from_being_opened(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.take_in([Lesson(run="laptop:1", model=ModelPrint(name="m"), imported="laptop")])
    store.close()

    def full(self: Lessons, lesson: Lesson, offset: int | None = None) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Lessons, "_save", full)
    again = Store(home)
    assert [lesson.run for lesson in again.lessons.page(0, 9)] == ["laptop:1"]
    again.close()
