"""A recipe that starts from an adapter: which one is meant, whether it fits, and what the run remembers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from engine import events as ev
from engine.event_log import EventWriter
from engine.lineage import first_event
from engine.messages import JobContext
from engine.problem import Problem
from engine.recipe import RecipeFile, absolute_text, check_paths, placed
from engine.recipe.adapters import saved_adapter
from engine.recipe.yaml import parse
from engine.run_dir import RunDir, remember_deleted

CONTEXT = JobContext(python="python", cwd="/", umask=0o022)
Q = "model.layers.{}.self_attn.q_proj"


def tensors(path: Path, shapes: dict[str, tuple[int, ...]], dtype: str = "F32") -> None:
    """A safetensors file of zeros."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * shape[-1]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


def adapter_in(folder: Path, *, width: int = 8, layers: int = 2, base: str = "m", **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"peft_type": "LORA", "base_model_name_or_path": base, "r": 2, "lora_alpha": 4,
            "lora_dropout": 0.0, "target_modules": ["q_proj"], "fan_in_fan_out": False}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(told | config))
    shapes = {}
    for layer in range(layers):
        shapes[f"base_model.model.{Q.format(layer)}.lora_A.weight"] = (2, width)
        shapes[f"base_model.model.{Q.format(layer)}.lora_B.weight"] = (6, 2)
    tensors(folder / "adapter_model.safetensors", shapes)
    return folder


def model_in(folder: Path, *, layers: int = 2, prefix: str = "", dtype: str = "F32") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shapes: dict[str, tuple[int, ...]] = {f"{Q.format(at)}.weight": (6, 8) for at in range(layers)}
    shapes["model.norm.weight"] = (8,)
    tensors(folder / "model.safetensors", {f"{prefix}{name}": s for name, s in shapes.items()}, dtype)
    return folder


def run_in(home: Path, name: str, *, adapter: bool = True, recipe: str = "model: m\ndata: d\n") -> RunDir:
    """A run that has ended, with or without an adapter."""
    directory = RunDir.create(home, recipe, CONTEXT)
    writer = EventWriter(directory.events)
    writer.write(first_event(directory, name, parse(recipe).recipe))
    if adapter:
        folder = adapter_in(Path(parse(recipe).recipe.output_dir or directory.adapter))
        writer.write(
            ev.Finished(run=directory.run, outcome="succeeded", steps=3, loss=1.0, adapter=str(folder))
        )
    else:
        writer.write(ev.Failed(run=directory.run, steps=3, what="It broke."))
    writer.close()
    return directory


def recipe(folder: Path, **fields: object) -> RecipeFile:
    folder.mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text("{}\n")
    lines = {"model": "./model", "data": "rows.jsonl", **fields}
    return parse("".join(f"{name}: {value}\n" for name, value in lines.items()), folder / "recipe.yaml")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    model_in(tmp_path / "work" / "model")
    return tmp_path / "work"


def test_a_run_is_named_by_its_number_its_name_or_last(home: Path, work: Path) -> None:
    first, second = run_in(home, "logbook"), run_in(home, "logbook")
    run_in(home, "broken", adapter=False)
    for word, meant in (("1", first), ("2", second), ("logbook", second), ("last", second), ('"1"', first)):
        assert placed(recipe(work, adapter=word)).adapter == str(meant.adapter), word
    assert parse(absolute_text(recipe(work, adapter=1))).recipe.adapter == str(first.adapter)


def test_a_bare_word_is_a_run_and_a_path_is_a_folder(home: Path, work: Path) -> None:
    run = run_in(home, "logbook")
    there = adapter_in(work / "logbook")
    assert placed(recipe(work, adapter="logbook")).adapter == str(run.adapter)
    assert placed(recipe(work, adapter="./logbook")).adapter == str(there)


def test_a_home_that_was_moved_keeps_its_adapters(
    home: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in(home, "logbook")
    moved = home.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("OPENLORA_HOME", str(moved))
    assert placed(recipe(work, adapter=1)).adapter == str(RunDir(moved, "1").adapter)


@pytest.mark.parametrize(
    ("word", "said"), [("9", "no run '9'"), ("nobody", "no run 'nobody'"), ("1", "left no adapter"),
                       ("last", "no run has left an adapter"), ("./nowhere", "no adapter to start from")]
)  # fmt: skip
def test_what_is_not_there_is_said_before_a_run_begins(home: Path, work: Path, word: str, said: str) -> None:
    run_in(home, "broken", adapter=False)
    with pytest.raises(Problem) as caught:
        check_paths(recipe(work, adapter=word))
    assert said in caught.value.what
    assert caught.value.do


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "adapter_config.json").unlink(),
        lambda folder: (folder / "adapter_config.json").write_text("{"),
        lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "LOHA"}'),
        lambda folder: (folder / "adapter_model.safetensors").unlink(),
        lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"not one"),
        lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"\x05" + bytes(7) + b'{"a":1}'),
    ],
)
def test_a_folder_without_a_sound_lora_is_refused(work: Path, spoil: object) -> None:
    folder = adapter_in(work / "adapter")
    check_paths(recipe(work, adapter="./adapter"))
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(Problem) as caught:
        check_paths(recipe(work, adapter="./adapter"))
    assert caught.value.why


def test_an_adapter_of_another_shape_is_refused_with_the_shapes(work: Path) -> None:
    adapter_in(work / "wide", width=16, base="other/model")
    with pytest.raises(Problem) as caught:
        check_paths(recipe(work, adapter="./wide"))
    assert "6 x 8 in the model, and 6 x 16 in the adapter's" in caught.value.why
    assert "other/model" in caught.value.why


def test_an_adapter_of_a_deeper_model_is_refused(work: Path) -> None:
    adapter_in(work / "deep", layers=3)
    with pytest.raises(Problem) as caught:
        check_paths(recipe(work, adapter="./deep"))
    assert Q.format(2) in caught.value.why


def test_what_cannot_be_compared_is_left_to_the_worker(work: Path) -> None:
    adapter_in(work / "wide", width=16)
    for name, more in (("quantised", {"dtype": "U8"}), ("foreign", {"prefix": "somewhere.else."})):
        model_in(work / name, **more)  # type: ignore[arg-type]
        check_paths(recipe(work, model=f"./{name}", adapter="./wide"))
    check_paths(recipe(work, model="hub/model", adapter="./wide"))


def test_a_hub_model_that_is_here_is_compared_too(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    repository, commit = tmp_path / "hub" / "models--hub--model", "0" * 40
    here = model_in(repository / "snapshots" / commit)
    for file in ("config.json", "tokenizer.json"):
        (here / file).write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    adapter_in(work / "wide", width=16)
    with pytest.raises(Problem, match="another model"):
        check_paths(recipe(work, model="hub/model", adapter="./wide"))


def test_files_without_the_outermost_name_and_transposed_layers_are_compared_too(work: Path) -> None:
    turned = adapter_in(work / "turned", fan_in_fan_out=True)
    tensors(
        work / "model" / "model.safetensors",
        {f"{Q.format(layer).removeprefix('model.')}.weight": (8, 6) for layer in range(2)},
    )
    check_paths(recipe(work, adapter="./turned"))
    assert saved_adapter(turned).layers == {Q.format(0): (6, 8), Q.format(1): (6, 8)}
    adapter_in(work / "straight")
    with pytest.raises(Problem, match="another model"):
        check_paths(recipe(work, adapter="./straight"))


def test_a_run_knows_its_ancestors_even_when_one_was_deleted(home: Path, work: Path) -> None:
    run_in(home, "first")
    run_in(home, "second", recipe=absolute_text(recipe(work, adapter=1)))
    middle = run_in(home, "third", recipe=absolute_text(recipe(work, adapter="second")))
    remember_deleted(home, {"run": "1"})
    RunDir(home, "1").delete()
    last = first_event(middle, "fourth", placed(recipe(work, adapter=3)))
    assert (last.parent, last.lineage) == ("3", ["3", "2", "1"])


def test_an_adapter_that_was_put_elsewhere_still_has_its_run(home: Path, work: Path) -> None:
    run = run_in(home, "out", recipe=absolute_text(recipe(work, output_dir="./out")))
    told = first_event(run, "next", placed(recipe(work, adapter="./out")))
    assert told.lineage == [run.run]
    stranger = adapter_in(work / "stranger")
    assert first_event(run, "next", placed(recipe(work, adapter=str(stranger)))).lineage == []


def test_a_model_made_by_a_run_has_that_run_for_a_parent(home: Path, work: Path) -> None:
    run = run_in(home, "merged")
    model_in(run.path / "merged")
    assert first_event(run, "next", placed(recipe(work, model=str(run.path / "merged")))).parent == run.run
