"""A recipe that is none is refused in one message that names the line, and nothing is begun."""

from __future__ import annotations

import io
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from openlora_tui.cli import train
from tests.bad_input.telling import NAMES, check_words, outcome, said

ROW = '{"prompt": "a", "completion": " b"}\n'
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model folder and a row; an engine is no part of these tests."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "rows.jsonl").write_text(ROW)
    monkeypatch.setattr(train, "Session", _never)
    return tmp_path


def _never(*_: object) -> None:
    raise AssertionError("the recipe was taken")


GOOD = "model: model\ndata: rows.jsonl\n"

TEXTS: dict[str, tuple[str | bytes, str]] = {
    # what is written: and what the message has to say
    "nothing": ("", "lacks `model`"),
    "comments": ("# nothing\n\n", "lacks `model`"),
    "no data": ("model: model\n", "lacks `data`"),
    "unknown": (GOOD + "learning_rat: 1\n", "Did you mean `learning_rate`?"),
    "unlike any": (GOOD + "zzzzqqq: 1\n", "lists the fields"),
    "below": (GOOD + "learning_rate: -1\n", "out of bounds"),
    "above": (GOOD + "lora_r: 100000000\n", "out of bounds"),
    "a word": (GOOD + "lora_r: abc\n", "'abc' is not a whole number"),
    "a list": (GOOD + "lora_r: [1]\n", "is not a whole number"),
    "a mapping": ("model: model\ndata: {a: b}\n", "is not"),
    "a flag": (GOOD + "learning_rate: yes\n", "is not a number"),
    "a choice": (GOOD + "method: lara\n", "Did you mean lora?"),
    "nan": (GOOD + "learning_rate: .nan\n", "not a finite number"),
    "infinite": (GOOD + "lora_alpha: .inf\n", "not a finite number"),
    "too large for a float": (GOOD + "learning_rate: 1e99999\n", "not a finite number"),
    "thousands of digits": (GOOD + "seed: " + "9" * 5000 + "\n", "thousands of digits"),
    "as many in hexadecimal": (GOOD + "lora_r: 0x" + "f" * 5000 + "\n", "out of bounds"),
    "as many for a text": (GOOD + "run_name: 0x" + "f" * 5000 + "\n", "thousands of digits"),
    "twice": (GOOD + "lora_r: 1\nlora_r: 2\n", "duplicate key"),
    "twice in JSON": ('{"model": "x", "model": "y", "data": "z"}', "duplicate key"),
    "a cycle": ("model: &a [*a]\ndata: rows.jsonl\n", ":1"),
    "a cycle of mappings": ("a: &a {b: *a}\n" + GOOD, "`a` is not a recipe field"),
    "a cycle of merges": ("a: &a\n  <<: *a\n" + GOOD, ""),
    "a bomb": (BOMB + GOOD, "is not a recipe field"),
    "no such anchor": ("model: *nope\ndata: y\n", "undefined alias"),
    "a call": (GOOD + "lora_r: !!python/object/apply:os.system ['touch pwned']\n", "`lora_r`"),
    "an object": ("!!python/object:os.x {}\n", ""),
    "a name": ("model: !!python/name:os.system x\ndata: rows.jsonl\n", ""),
    "a set": ("model: model\ndata: !!set {a, b}\n", "`data`"),
    "a wrong tag": (GOOD + "lora_r: !!int abc\n", ""),
    "a date": (GOOD + "run_name: 2024-01-01\n", "is not text"),
    "nearly a date": (GOOD + "run_name: 2024-13-99\n", ""),
    "tabs": ("model:\tmodel\n\tdata: rows.jsonl\n", "cannot start any token"),
    "several documents": (GOOD + "---\n" + GOOD, "not valid YAML"),
    "another YAML": ("%YAML 9.9\n---\n" + GOOD, "incompatible YAML"),
    "no mapping": ("- a\n- b\n", "not a list of `name: value` lines"),
    "a word alone": ("hello", "not a list of `name: value` lines"),
    "an open quote": ("model: 'x\ndata: y\n", "not valid YAML"),
    "a colon": ("model: a: b\ndata: y\n", "need quotes"),
    "deep": ("[" * 100_000, "too deep"),
    "deep mappings": ("{a: " * 5000, "too deep"),
    "too long": (GOOD + "#" * 2_000_000, "larger than 1 MiB"),
    "too many": ("".join(f"{i}: 1\n" for i in range(20_000)), "too long"),
    "a long name": (GOOD + "run_name: " + "n" * 50_000 + "\n", "longer than"),
    "a list as a name": (GOOD + "? [a, b]\n: 3\n", ""),
    "no name": ("? \n: x\n" + GOOD, "is not a recipe field"),
    "a null character": (b"model: a\0b\ndata: y\n", ""),
    "an escaped null character": ('model: "a\\0b"\ndata: rows.jsonl\n', "control character"),
    "half a character": ('model: "\\ud800"\ndata: rows.jsonl\n', ""),
    "an escape": (GOOD + 'run_name: "\\e[31mred"\n', "control character"),
    "an escaped name": (GOOD + '"\\e[31mx": 1\n', "is not a recipe field"),
    "Latin-1": ("model: café\n".encode("latin-1"), "not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "not UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "not UTF-8"),
    "a model": (b"GGUF\3\0\0\0" + bytes(99), ""),
    "no such user": ("model: ~nosuchuser/x\ndata: rows.jsonl\n", "leads nowhere"),
    "no such data": ("model: model\ndata: none.jsonl\n", "there is no file"),
    "a folder as data": ("model: model\ndata: model\n", "it is a folder, and there are no data files in it"),
    "a file as a model": ("model: rows.jsonl\ndata: rows.jsonl\n", "is no folder"),
    "no such model": ("model: ./nowhere\ndata: rows.jsonl\n", "there is no folder"),
    "no data at all": ("model: model\ndata: []\n", "it is empty"),
    "no text in a list": ("model: model\ndata: [rows.jsonl, 5]\n", "a list of texts"),
    "an empty model": ("model: ''\ndata: rows.jsonl\n", "it is empty"),
    "a blank model": ("model: ' '\ndata: rows.jsonl\n", ""),
    "a revision that is none": (GOOD + "model_revision: ../../secret\n", "no branch, tag or commit"),
    "no such run": (GOOD + "adapter: '999'\n", "there is no run"),
    "no such adapter": (GOOD + "adapter: ./nope\n", "no such folder"),
    "no run's number": (GOOD + 'adapter: "\\u00b2"\n', "there is no run"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_recipe_that_is_none(case: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, words = TEXTS[case]
    path = desk / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = said(capsys, "train", path)
    assert words in " ".join(error.values()).replace("\n", " ")
    assert error["where"].startswith((str(path), str(desk)))
    assert not (desk / "pwned").exists()


@pytest.mark.parametrize("field", ["model", "data", "adapter", "output_dir"])
def test_a_path_longer_than_any(field: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"model": "model", "data": "rows.jsonl"} | {field: "./" + "d" * 10_000}
    (desk / "r.yaml").write_text("".join(f"{name}: {value}\n" for name, value in values.items()))
    if field == "output_dir":
        values["seed"] = "none"  # a folder to be made is judged when it is made
        (desk / "r.yaml").write_text("".join(f"{name}: {value}\n" for name, value in values.items()))
    said(capsys, "train", desk / "r.yaml")


def test_what_is_no_file_is_refused_at_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(desk / "pipe.yaml")
    (desk / "loop.yaml").symlink_to("loop.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(desk / "socket.yaml"))
        kinds = {desk / "pipe.yaml": "pipe", desk / "socket.yaml": "socket", desk / "model": "folder",
                 Path("/dev/zero"): "device", desk / "loop.yaml": "symbolic links",
                 desk / "absent": "no such file"}  # fmt: skip
        for path, word in kinds.items():
            assert word in said(capsys, "train", path)["what"], path
            (desk / "r.yaml").write_text(f"model: model\ndata: {path}\n")
            assert said(capsys, "train", desk / "r.yaml")["where"].startswith(str(desk / "r.yaml")), path


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_strange_names_of_recipes_models_and_data(
    name: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "train", "--", name)
    for field in ("model", "data", "adapter", "run_name", "method", name):
        said(capsys, "train", _good(desk), "--set", f"{field}=./nowhere/{name}", "--set", "seed=-1")


def _good(desk: Path) -> Path:
    path = desk / "good.yaml"
    path.write_text(GOOD)
    return path


SETTINGS = {
    "x": "sets nothing", "=5": "is not a recipe field", "lora_r=": "is not a whole number",
    "lora_r=abc": "is not a whole number", "lor_r=5": "Did you mean `lora_r`?",
    "lora_r=" + "9" * 5000: "`lora_r`",
    "model=": "it is empty", "data=[a, b": "not a list of texts", "data=[[a]]": "not a list of texts",
    "data=" + "[" * 50_000: "not a list of texts", "x" * 10_000 + "=1": "is not a recipe field",
    "learning_rate=1e999": "finite", "learning_rate=nan": "finite", "method=" + "x" * 5000: "is not one of",
    "run_name=" + "x" * 50_000: "longer than", "run_name=\x1b[31m": "control character",
    "seed=²": "whole number",
    "max_length=1.5": "whole number", "eval_data=nope.csv": "there is no file",
}  # fmt: skip


@pytest.mark.parametrize("word", SETTINGS, ids=lambda word: word[:24])
def test_nonsense_to_set(word: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    error = said(capsys, "train", _good(desk), "--set", word)
    assert SETTINGS[word] in " ".join(error.values())
    assert time.monotonic() - started < 30
    if "eval_data" not in word:
        check = said(capsys, "new", "--set", word, "--nonsense")  # what argparse refuses has the same form
        assert "--nonsense" in check["what"]


def test_a_recipe_by_stdin_is_held_to_the_same(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, words in ((b"", "lacks"), (b"lora_rr: 1\n", "lora_r"), (b"\xff\xfe", "UTF-8"),
                        (b"#" * (2 << 20), "1 MiB")):  # fmt: skip
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        error = said(capsys, "train", "-")
        assert words in " ".join(error.values())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    monkeypatch.setattr(train.mending, "before", lambda recipe, **_: (recipe, [], None))
    with pytest.raises(AssertionError, match="was taken"):
        train.run(_words("-"))


def _words(*given: str) -> object:
    import argparse

    parser = argparse.ArgumentParser()
    train.arguments(parser)
    return parser.parse_args(list(given))


def test_a_new_recipe_replaces_no_device_and_no_folder(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(desk / "pipe")
    for path in (
        desk / "pipe",
        desk / "model",
        desk / "nowhere/r.yaml",
        desk / ("n" * 300),
        desk / "rows.jsonl/x",
    ):
        assert outcome("new", path, "--force") == 2
        check_words(capsys.readouterr().err)
    assert (desk / "pipe").is_fifo()
    assert outcome("new", "--", "-x.yaml") == 0
    assert "train ./-x.yaml`" in capsys.readouterr().err
