"""Making the starter model: others load it, it is kept, a broken one is made anew, none is half made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import events as ev
from engine.line import Gone
from engine.starter.cache import Plan, alone, building, model_folder, seal, whole
from engine.starter.serve import Tell, ready_model

TINY = Plan(tales=300, vocabulary=400, width=16, layers=1, heads=2, inner=32, length=32, rows=4, steps=3)


def silent(_event: ev.Event) -> None:
    pass


def ready(home: Path, tell: Tell) -> Path:
    return ready_model(home, TINY, tell, lambda: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    ready(path, silent)
    return path


def test_transformers_loads_it_and_the_tokenizer_gives_back_any_text(made: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from engine.data.tokenizer import ModelTokenizer

    folder: Any = model_folder(made)
    model = AutoModelForCausalLM.from_pretrained(folder)
    theirs, ours = AutoTokenizer.from_pretrained(folder), ModelTokenizer(folder)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert model.generation_config.eos_token_id == ours.eos
    assert {path.name for path in folder.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    }
    for text in ("Nora found a key.", "  two  spaces\n", "Grüße, 你好 🎈", "x = {1: 2}"):
        ids = ours.encode(text)
        assert ours.decode(ids) == text
        assert theirs(text).input_ids == ours.started(ids)


def test_the_cached_one_is_used_again(made: Path) -> None:
    told: list[ev.Event] = []
    before = (model_folder(made) / "model.safetensors").stat()
    ready(made, told.append)
    after = (model_folder(made) / "model.safetensors").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert not any(isinstance(event, ev.Progress) for event in told)


def test_a_broken_one_and_one_of_another_plan_are_no_models(tmp_path: Path) -> None:
    with building(tmp_path / "model") as folder:
        (folder / "weights").write_bytes(b"good")
        seal(folder, TINY)
    dest = tmp_path / "model"
    assert whole(dest, TINY)
    assert not whole(dest, Plan())
    (dest / "weights").write_bytes(b"goof")
    assert not whole(dest, TINY)
    (dest / "weights").unlink()
    assert not whole(dest, TINY)
    assert not whole(tmp_path / "none", TINY)


def test_a_broken_one_is_made_anew(made: Path) -> None:
    weights = model_folder(made) / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:100])
    told: list[ev.Event] = []
    ready(made, told.append)
    assert weights.read_bytes() == good, "the same seed makes the same model"
    steps = [event.done for event in told if isinstance(event, ev.Progress)]
    assert steps == [1, 2, 3]


def test_a_failed_build_leaves_what_was_there(tmp_path: Path) -> None:
    dest = tmp_path / "here" / "model"
    dest.mkdir(parents=True)
    (dest / "old").touch()

    def build() -> None:
        with building(dest) as folder:
            (folder / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build()
    assert [path.name for path in dest.parent.iterdir()] == ["model"]
    assert (dest / "old").exists()


def test_whoever_leaves_while_it_is_made_leaves_nothing_half_made(tmp_path: Path) -> None:
    def leave(event: ev.Event) -> None:
        if isinstance(event, ev.Progress):
            raise Gone

    with pytest.raises(Gone):
        ready(tmp_path, leave)
    assert [path.name for path in (tmp_path / "starter").iterdir()] == ["lock"]


def test_while_another_process_makes_it_one_waits_and_may_leave(tmp_path: Path) -> None:
    waits = 0

    def waiting() -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            raise Gone

    with alone(tmp_path, lambda: None), pytest.raises(Gone):
        ready_model(tmp_path, TINY, silent, waiting)
    assert waits == 3
