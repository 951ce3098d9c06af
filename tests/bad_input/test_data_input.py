"""Data that is none is refused in one message that says what it is instead; what is odd is told of."""

from __future__ import annotations

import gzip
import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.bad_input.telling import NAMES, check_safe, outcome, said

OK = '{"prompt": "a", "completion": " b"}\n'
DEEP = "[" * 100_000

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "png.jsonl": (b"\x89PNG\r\n\x1a\n" + bytes(64), "a PNG picture"),
    "elf.csv": (b"\x7fELF\x02\x01\x01" + bytes(64), "a program"),
    "elf.txt": (b"\x7fELF\x02\x01\x01" + bytes(64), "a program"),
    "gguf.jsonl": (b"GGUF\x03\0\0\0" + bytes(64), "a GGUF model"),
    "model.gguf": (b"GGUF\x03\0\0\0" + bytes(64), "Files that end in .gguf"),
    "table.jsonl": (b"PAR1" + bytes(range(256)) + b"PAR1", "a Parquet table"),
    "torn.jsonl.gz": (gzip.compress(OK.encode() * 500)[:12], "breaks off"),
    "twice.jsonl.gz": (gzip.compress(gzip.compress(OK.encode())), "a gzip archive"),
    "torn.jsonl.zst": (zstandard.compress(OK.encode() * 500)[:-2], "breaks off"),
    "bomb.jsonl.zst": (zstandard.compress((b" " * 65_535 + b"\n") * 1280), "beyond all measure"),
    "sheet.csv": (b"PK\x03\x04" + bytes(60), "a zip archive or a spreadsheet"),
    "paper.txt": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
    "noise.jsonl": (bytes(range(128, 256)), "not valid UTF-8"),
    "zeros.txt": (b"wor\0ld\n", "null byte"),
    "zeros.csv": (b"prompt,completion\na\0,b\n", "null byte"),
    "latin.jsonl": ('{"prompt": "naïve"}\n'.encode("latin-1"), "iconv -f WINDOWS-1252"),
    "half.txt": ("hello".encode("utf-16")[:-1], "UTF-16LE to its end"),
    "pointer.parquet": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "git lfs pull",
    ),
    "pointer.jsonl": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
    "nested.jsonl": ('{"prompt": "a", "meta": ' + "[" * 900 + "]" * 900 + "}\n", "nested too deeply"),
    "deep.jsonl": (DEEP + "]" * 100_000, "nested too deeply"),
    "deeper.jsonl": ('{"a":' * 100_000, "nested too deeply"),
    "deep.json": (DEEP, "nested too deeply"),
    "digits.jsonl": ('{"prompt":' + "9" * 5000 + ',"completion":"b"}\n', "thousands of digits"),
    "nearly-twice.jsonl": ('{"prompt": "a", " Prompt": "z"}\n', "'prompt'"),
    "twice.csv": ("a,A \n1,2\n", "same name"),
    "half.jsonl": ('{"prompt": "x", "\\ud800": 1}\n', "half of a character"),
    "columns.csv": (",".join(f"c{i}" for i in range(200_000)) + "\n1\n", "200,000 columns"),
    "columns.jsonl": (json.dumps({f"k{i}": i for i in range(50_000)}) + "\n", "50,000 columns"),
    "list.jsonl": ("[1, 2]\n", "a number"),
    "lists.jsonl": ("[1, 2]\n[3]\n", "a list"),
    "number.jsonl": ("5\n", "a number"),
    "null.jsonl": ("null\n", "null"),
    "text.json": ('"abc"', "a text"),
    "quote.csv": ('prompt,completion\n"a,b\n', ":2"),
    "ragged.csv": ("prompt,completion\na,b,c\n", "3 fields"),
    "yaml.jsonl": ("model: x\n", "not valid JSON"),
    "page.jsonl": ("<html></html>", "not valid JSON"),
    "no-suffix": (OK, "end in nothing"),
}


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", REFUSED)
def test_data_that_is_none(name: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, words = REFUSED[name]
    (desk / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    error = said(capsys, "inspect", name)
    assert words in " ".join(error.values())
    assert error["where"].startswith(name)


BROKEN: dict[str, tuple[str, str]] = {
    "zeros.txt": ("hello\nwor\0ld\n", "null byte"),
    "zeros.jsonl": (OK + '{"prompt": "a\0b", "completion": "c"}\n', "null byte"),
    "twice.jsonl": (OK + '{"prompt": "a", "prompt": "z", "completion": "b"}\n', "'prompt'"),
    "torn.jsonl": (OK + '{"prompt": "a", "compl', "unterminated string starting at column 17"),
    "ragged.csv": ("prompt,completion\na,b\na,b,c\n", "3 fields"),
    "quote.csv": ('prompt,completion\nx,y\n"a,b\n', "quote"),
    "zeros.json": ('[{"a": 1},\n{"b": "\0"}]', "null byte"),
    "twice.json": ('[{"prompt": "a"},\n{"x": {"b": 1, "b": 2}}]', "'b'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_is_none_among_others(name: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, words = BROKEN[name]
    (desk / name).write_text(content)
    document = reported(capsys, name)
    assert (document["rows"], document["broken_rows"]) == (1, 1)
    line = content.rstrip("\n").count("\n") + 1
    [finding] = [f for f in document["findings"] if f["places"] == [f"{name}:{line}"]]
    assert words in finding["title"] + finding["cause"]
    assert finding["remedy"]


EMPTY = {"zero.jsonl": "", "blank.jsonl": "\n\n  \n", "header.csv": "prompt,completion\n", "zero.csv": "",
         "zero.json": "", "array.json": "[]", "zero.txt": "", "commas.csv": ",,,\n"}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_data_without_rows_is_a_blocker(name: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / name).write_text(EMPTY[name])
    document = reported(capsys, name)
    assert document["rows"] == 0
    [finding] = [f for f in document["findings"] if f["severity"] == "blocker"]
    assert finding["category"] == "empty_or_tiny_dataset"


ODD = {
    "types.jsonl": '{"prompt": 5, "completion": null}\n',
    "turns.jsonl": '{"messages": 5}\n{"messages": [5]}\n{"messages": [{"role": 5, "content": {}}]}\n'
    '{"messages": {}}\n',
    "shared.jsonl": '{"conversations": [{"from": "human", "value": 5}]}\n',
    "tools.jsonl": '{"messages": [{"role": "assistant", "content": "x", "tool_calls": 5}], "tools": "no"}\n',
    "numbers.jsonl": '{"prompt": 1e999, "completion": -1e999, "n": 123456789012345678901234567890}\n',
    "nan.jsonl": '{"prompt": NaN, "completion": Infinity}\n',
    "halves.jsonl": '{"prompt": "\\ud800", "completion": "\\udc00 b"}\n',
    "escapes.jsonl": '{"\\u001b]0;x\\u0007prompt\\u009b\\u202e[red]": "\\u001b[31ma\\u009b31m"}\n',
    "escapes.csv": "\x1b[31mprompt,[red]x[/red]\n\x9ba,b\n",
    "long.jsonl": '{"' + "c" * 10_000 + '": "x"}\n',
    "nested.jsonl": '{"prompt": "a", "completion": "b", "meta": ' + "[" * 100 + "]" * 100 + "}\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_rows_are_reported_and_steer_no_terminal(
    name: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / name).write_text(ODD[name])
    assert reported(capsys, name, "--row", "1")["rows"] == ODD[name].count("\n") - name.endswith(".csv")
    assert outcome("inspect", name, "--row", "1") == 0
    check_safe("".join(capsys.readouterr()))


def reported(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert outcome("inspect", "--json", *words) == 0
    out = capsys.readouterr().out
    check_safe(out)
    document = json.loads(out)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_strange_names_of_files(name: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "inspect", "--", f"{name}.jsonl")
    said(capsys, "inspect", f"--model=./{name}", "--", "rows.jsonl")
    said(capsys, "inspect", f"--data-format={name}", "--", "rows.jsonl")
    short = name.replace("/", "")[:80]
    (desk / f"{short}.jsonl").write_text("{")
    said(capsys, "inspect", "--", f"{short}.jsonl")
    (desk / f"{short}.jsonl").write_text(OK)
    reported(capsys, "--", f"{short}.jsonl") if short else None


def test_what_is_no_file_is_refused_at_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(desk / "pipe.jsonl")
    (desk / "folder.jsonl").mkdir()
    (desk / "loop.jsonl").symlink_to("loop.jsonl")
    (desk / "zero.jsonl").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(desk / "socket.jsonl"))
        kinds = {"pipe": "It is a pipe", "folder": "It is a folder", "loop": "symbolic links",
                 "zero": "It is a device",
                 "socket": "It is a socket", "absent": "does not exist"}  # fmt: skip
        for name, words in kinds.items():
            assert words in " ".join(said(capsys, "inspect", f"{name}.jsonl").values()), name


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".txt"])
def test_two_gigabytes_on_one_line_are_refused_in_little_memory(suffix: str, desk: Path) -> None:
    path = desk / f"sparse{suffix}"
    with path.open("wb") as file:
        file.write(b'[{"prompt": "')
        file.truncate(2 << 30)
    most = 600 << 20
    ended = subprocess.run(
        [sys.executable, "-m", "openlora_tui.cli.main", "inspect", str(path), "--json"],
        capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)),
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    error = json.loads(ended.stdout)["error"]["what"]
    assert ("null byte" if "json" in suffix else "64 MiB") in error


NONSENSE = (["--max-length", "x"], ["--max-length", "-1"], ["--max-length", "9" * 5000], ["--row", "0"],
            ["--row", "9" * 30], ["--row"], ["--nonsense"])  # fmt: skip


@pytest.mark.parametrize("words", NONSENSE)
def test_nonsense_words(words: list[str], desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "rows.jsonl").write_text(OK)
    said(capsys, "inspect", "rows.jsonl", *words)
